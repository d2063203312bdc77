"use client";

import { useRef } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Avatar } from "@/components/ui/avatar";
import { Button } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { ApiError } from "@/lib/api/error";
import { queryKeys } from "@/lib/api/query-keys";
import type { User } from "@/lib/api/types";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { removePicture } from "../api/remove-picture";
import { setPicture } from "../api/set-picture";

const words = strings.identity.account;
const MOST_BYTES = 5 * 1024 * 1024;

export function Picture() {
  const user = useUser();
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const onSuccess = (changed: User) => client.setQueryData(queryKeys.me, changed);
  const set = useMutation({ mutationFn: async (file: File) => setPicture(await base64(file)), onSuccess });
  const remove = useMutation({ mutationFn: removePicture, onSuccess });
  const busy = set.isPending || remove.isPending;
  const error = set.error ?? remove.error;
  return (
    <div className="mb-6 space-y-3">
      <div className="flex items-center gap-4">
        <Avatar user={user} className="size-16 text-2xl" />
        <div className="flex flex-wrap gap-2">
          <input
            ref={input}
            type="file"
            aria-label={words.picture}
            accept="image/png,image/jpeg,image/webp,image/gif"
            className="sr-only"
            tabIndex={-1}
            onChange={(event) => {
              const file = event.target.files?.[0];
              event.target.value = "";
              remove.reset();
              if (file) set.mutate(file);
            }}
          />
          <Button size="sm" disabled={busy} onClick={() => input.current?.click()}>
            {set.isPending ? words.pictureSetting : words.pictureSet}
          </Button>
          {user.picture !== null && (
            <Button
              size="sm"
              disabled={busy}
              onClick={() => {
                set.reset();
                remove.mutate();
              }}
            >
              {words.pictureRemove}
            </Button>
          )}
        </div>
      </div>
      {error && <Problem error={error} />}
    </div>
  );
}

/** What a file holds. Throws an ApiError where it is too large to be sent, or cannot be read. */
function base64(file: File): Promise<string> {
  if (file.size > MOST_BYTES) throw new ApiError("invalid", words.pictureTooLarge, 422, false);
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve((reader.result as string).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(new ApiError("invalid", words.pictureUnreadable, 422, false));
    reader.readAsDataURL(file);
  });
}
