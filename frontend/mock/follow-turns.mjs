/** Turns over the WebSocket: `follow` and `unfollow` as the gateway takes them. Returns the way to end all of it. */
export function followTurns(store, user, socket) {
  const follows = new Map();
  const send = (frame) => socket.send(JSON.stringify(frame));
  const unfollow = (as) => {
    follows.get(as)?.();
    follows.delete(as);
  };

  const follow = ({ as, turn_id: turnId, after }) => {
    unfollow(as);
    const turn = store.turns.get(turnId);
    if (!turn || !store.conversationOf(user.id, turn.conversationId))
      return send({ type: "turn.refused", as, code: "not_found", message: "This turn is not there.", retry: false });
    let next = after;
    const tell = () => {
      for (; next < turn.log.length; next += 1) {
        const { id, event, data } = turn.log[next];
        if (event === "delta") send({ type: "delta", as, seq: id, text: data.text });
        else send({ type: "turn.event", as, seq: id, event, data });
      }
    };
    const status = (data) => send({ type: "turn.event", as, seq: 0, event: "turn.status", data });
    turn.on("event", tell);
    turn.on("status", status);
    follows.set(as, () => {
      turn.off("event", tell);
      turn.off("status", status);
    });
    tell();
    if (turn.state === "reconnecting") status({ state: turn.state });
  };

  socket.on("message", (text) => {
    const frame = JSON.parse(String(text));
    if (frame.type === "follow") follow(frame);
    if (frame.type === "unfollow") unfollow(frame.as);
  });
  return () => [...follows.keys()].forEach(unfollow);
}
