import { useEffect, useState } from "react";
import { NEW_CHAT, writeDraft } from "../draft";

/**
 * Each chat has a composer of its own, except for the one that is just being begun: what is written while it comes
 * into being is the beginning of its next message, and stays under the writer's hands.
 */
export function useComposerKey(userId: string, chatId: string | null, begun: string | null): number {
  const [shown, setShown] = useState({ chatId, key: 0, carriedOn: begun });
  if (shown.chatId !== chatId) {
    const carryOn = shown.chatId === null && chatId !== null && chatId === begun && shown.carriedOn !== begun;
    setShown({ chatId, key: carryOn ? shown.key : shown.key + 1, carriedOn: carryOn ? begun : shown.carriedOn });
  }
  const { key, carriedOn } = shown;
  useEffect(() => {
    // It belongs to the chat now.
    if (carriedOn !== null) writeDraft(`${userId}.${NEW_CHAT}`, "");
  }, [carriedOn, userId]);
  return key;
}
