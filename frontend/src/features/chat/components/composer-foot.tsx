"use client";

import { BookText, SlidersHorizontal } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import type { Conversation, Model } from "@/lib/api/types";
import { openPanel } from "@/lib/panel";
import { pickModel } from "@/lib/picked-model";
import { strings } from "@/lib/strings";
import { isSet, useNewChatSettings } from "../new-chat-settings";
import { ModelPicker } from "./model-picker";

interface ComposerFootProps {
  chatId: string | null;
  conversation: Conversation | undefined;
  models: Model[];
  model: Model | null;
}

/** Who answers and how: the model, the chat's settings, the library of prompts. */
export function ComposerFoot({ chatId, conversation, models, model }: ComposerFootProps) {
  const ofNewChat = useNewChatSettings();
  const changed = isSet(chatId === null ? ofNewChat : (conversation ?? ofNewChat));
  return (
    <>
      <ModelPicker models={models} selected={model} onSelect={(name) => pickModel(chatId, name)} />
      <span className="relative">
        <IconButton
          label={changed ? strings.settings.openChanged : strings.settings.open}
          size="sm"
          onClick={() => openPanel({ name: "settings", chat: chatId })}
        >
          <SlidersHorizontal aria-hidden className="size-4" />
        </IconButton>
        {changed && <span aria-hidden className="pointer-events-none absolute top-0.5 right-0.5 size-2 rounded-full bg-accent" />}
      </span>
      <IconButton label={strings.prompts.open} size="sm" onClick={() => openPanel({ name: "prompts" })}>
        <BookText aria-hidden className="size-4" />
      </IconButton>
    </>
  );
}
