import type { TurnEvents } from "@/lib/api/types";

const encoder = new TextEncoder();

/** A frame of a live log, as the gateway writes it. */
export function frame<Name extends keyof TurnEvents>(seq: number, name: Name, data: TurnEvents[Name]): string {
  return `id: ${seq}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const started = (seq = 1) =>
  frame(seq, "turn.started", {
    turn_id: "trn_1",
    conversation_id: "cnv_1",
    message_id: "msg_q",
    answer_id: "msg_a",
    model: "simulated",
    revision: "r1",
    trimmed_messages: 2,
    summarised_messages: 0,
  });
export const delta = (seq: number, text: string) => frame(seq, "delta", { text });
export const completed = (seq: number) =>
  frame(seq, "turn.completed", { finish_reason: "stop", ttft_ms: 100, duration_ms: 1100 });

/** A stream that sends its text and then ends, breaks or stays open. */
export function streamOf(text: string, end: "close" | "break" | "hang" = "close"): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(text));
      if (end === "close") controller.close();
      if (end === "break") setTimeout(() => controller.error(new TypeError("connection reset")), 0);
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
