"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ThumbsDown, ThumbsUp } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import { patchMessage } from "@/lib/api/message-cache";
import type { Message, Rating } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { strings } from "@/lib/strings";
import { showToast } from "@/lib/toasts";
import { rateAnswer } from "../api/rate-answer";

const faces = [
  { rating: "up", Icon: ThumbsUp, label: strings.chat.rateUp },
  { rating: "down", Icon: ThumbsDown, label: strings.chat.rateDown },
] as const;

/** Thumbs. Pressed again, a thumb is taken back. Shown at once, put back when the server refuses. */
export function AnswerRating({ message }: { message: Message }) {
  const client = useQueryClient();
  const show = (rating: Rating | null) => patchMessage(client, message.conversation_id, message.id, { rating });
  const rate = useMutation({
    mutationFn: (rating: Rating | null) => rateAnswer(message, rating),
    onMutate: (rating) => {
      show(rating);
      return message.rating;
    },
    onError: (_, __, before) => {
      show(before ?? null);
      showToast(strings.chat.rateFailed);
    },
  });
  return faces.map(({ rating, Icon, label }) => {
    const pressed = message.rating === rating;
    return (
      <IconButton
        key={rating}
        label={label}
        size="sm"
        aria-pressed={pressed}
        className={cn(pressed && "text-text")}
        onClick={() => rate.mutate(pressed ? null : rating)}
      >
        <Icon aria-hidden className={cn("size-4", pressed && "fill-current")} />
      </IconButton>
    );
  });
}
