"use client";

import { useEffect } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { cacheConversation, forgetConversation, patchConversation } from "@/lib/api/conversation-cache";
import { patchMessage } from "@/lib/api/message-cache";
import { queryKeys } from "@/lib/api/query-keys";
import type { Job, Limits, Model } from "@/lib/api/types";
import { turnSocket } from "@/lib/turn-socket";
import { emitPush, onPush, type Pushed } from "@/lib/push";
import { checkSession } from "./api/check-session";
import { EventSocket } from "./event-socket";

/** Hold one socket while somebody is signed in, and let what it brings show at once. */
export function useEvents(): void {
  const client = useQueryClient();

  useEffect(() => {
    const apply = (event: Pushed) => {
      switch (event.type) {
        case "conversation.created":
        case "conversation.updated":
          cacheConversation(client, event.conversation);
          break;
        case "conversation.deleted":
          forgetConversation(client, event.id);
          void client.invalidateQueries({ queryKey: queryKeys.conversation(event.id) });
          break;
        case "turn.started":
          patchConversation(client, event.conversation_id, { running_turn_id: event.turn_id });
          break;
        case "turn.ended":
          patchConversation(client, event.conversation_id, { running_turn_id: null });
          break;
        case "message.rated":
          patchMessage(client, event.conversation_id, event.message_id, { rating: event.rating });
          break;
        case "job.updated":
          client.setQueryData<Job[]>(queryKeys.jobs, (jobs) => jobs && withJob(jobs, event.job));
          if (event.job.state === "succeeded" && event.job.conversation_id !== null)
            void client.invalidateQueries({ queryKey: queryKeys.summary(event.job.conversation_id) });
          break;
        case "model.updated":
          client.setQueryData<Model[]>(queryKeys.models, (models) => models && withModel(models, event.model));
          break;
        case "limits.updated":
          client.setQueryData<Limits>(queryKeys.limits, event.limits);
          break;
        case "hello":
          break;
        case "reconnected":
          void client.invalidateQueries({ queryKey: queryKeys.conversations });
          void client.invalidateQueries({ queryKey: ["conversation"] });
          void client.invalidateQueries({ queryKey: queryKeys.archived });
          void client.invalidateQueries({ queryKey: queryKeys.models });
          void client.invalidateQueries({ queryKey: queryKeys.limits });
          void client.invalidateQueries({ queryKey: queryKeys.jobs });
          break;
      }
    };
    const stopListening = onPush(apply);
    const socket = new EventSocket({
      connect: () => new WebSocket(new URL("/api/events", window.location.href.replace(/^http/, "ws"))),
      // What concerns a followed turn goes to its reader alone: nothing else renders for a token.
      onEvent: (event) => {
        if (!turnSocket.take(event)) emitPush(event);
      },
      onOpen: (send) => turnSocket.attach(send),
      onClose: () => turnSocket.detach(),
      onReconnected: () => emitPush({ type: "reconnected" }),
      // A socket that was refused does not say why: an expired session is the likely reason.
      renew: checkSession,
    });
    socket.start();
    return () => {
      stopListening();
      socket.stop();
    };
  }, [client]);
}

/** Newest first, as they are listed. */
function withJob(jobs: Job[], changed: Job): Job[] {
  const known = jobs.some((job) => job.id === changed.id);
  return known ? jobs.map((job) => (job.id === changed.id ? changed : job)) : [changed, ...jobs];
}

function withModel(models: Model[], changed: Model): Model[] {
  const known = models.some((model) => model.name === changed.name);
  return known ? models.map((model) => (model.name === changed.name ? changed : model)) : [...models, changed];
}
