import { useMemo } from "react";
import { useQuery } from "@tanstack/react-query";
import { usePickedModel } from "@/lib/picked-model";
import { strings } from "@/lib/strings";
import { modelsQuery } from "@/lib/api/models";
import { chooseModel, notReadyReason, readLastModel } from "../choose-model";

/** The models there are, the one that answers next in a chat, and why nothing can be sent to it (null when it can). */
export function useChatModel(chatId: string | null, ofConversation: string | null) {
  const models = useQuery(modelsQuery);
  const picked = usePickedModel(chatId);
  const model = useMemo(
    () => chooseModel(models.data ?? [], picked, ofConversation, readLastModel()),
    [models.data, picked, ofConversation],
  );
  const blocked = models.isPending
    ? strings.chat.loadingModels
    : models.error && !models.data
      ? strings.models.failed
      : notReadyReason(model);
  return { models: models.data ?? NONE, model, blocked };
}

const NONE: never[] = [];
