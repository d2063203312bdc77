"use client";

import { useId, useState, type FormEvent } from "react";
import { useMutation } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Area, inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { cn } from "@/lib/cn";
import { formText } from "@/lib/form";
import type { Choice, Revision } from "@/lib/api/operation-types";
import { operation as words } from "@/lib/strings/operation";
import { addComparison } from "../api/add-comparison";
import { AnswerPanel } from "./answer-panel";
import { TallyLine } from "./tally-line";
import { useTwoAnswers, type Side } from "./use-two-answers";

const CHOICES: readonly Choice[] = ["left", "right", "both", "neither"];

interface CompareFormProps {
  name: string;
  /** Two at least, all of them ready. */
  revisions: readonly Revision[];
  onDone: () => void;
}

/** Two revisions side by side on one's own prompt. Their names are told when the vote is given. */
export function CompareForm({ name, revisions, onDone }: CompareFormProps) {
  const { sides, ask, reset } = useTwoAnswers(name);
  const [asked, setAsked] = useState("");
  const [wrong, setWrong] = useState<"prompt" | "same" | null>(null);
  const vote = useMutation({ mutationFn: addComparison });
  const over = sides?.every(({ running }) => !running) ?? false;
  const whole = over && (sides?.every(({ error }) => error === null) ?? false);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const prompt = formText(data, "prompt").trim();
    const chosen = [formText(data, "one"), formText(data, "other")] as const;
    const bad = prompt === "" ? "prompt" : chosen[0] === chosen[1] ? "same" : null;
    setWrong(bad);
    if (bad !== null) return;
    vote.reset();
    setAsked(prompt);
    ask(chosen, prompt);
  }

  function judge(choice: Choice) {
    if (!sides) return;
    vote.mutate({ name, prompt: asked, left: judged(sides[0]), right: judged(sides[1]), choice });
  }

  return (
    <section aria-label={words.compareTitle} className="space-y-4 rounded-control border border-line p-4">
      <div>
        <h3 className="font-medium">{words.compareTitle}</h3>
        <p className="text-hint text-muted">{words.compareDetail}</p>
      </div>
      <form onSubmit={submit} noValidate className="space-y-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <RevisionSelect label={words.one} name="one" revisions={revisions} usual={0} />
          <RevisionSelect label={words.other} name="other" revisions={revisions} usual={1} wrong={wrong === "same"} />
        </div>
        <Area label={words.prompt} name="prompt" rows={3} maxLength={100_000} error={wrong === "prompt" ? words.noPrompt : undefined} />
        <div className="flex flex-wrap gap-2">
          <Button type="submit" variant="primary">
            {sides ? words.askAgain : words.askBoth}
          </Button>
          <Button
            onClick={() => {
              reset();
              onDone();
            }}
          >
            {words.close}
          </Button>
        </div>
      </form>
      {sides && (
        <>
          <div className="grid gap-4 sm:grid-cols-2">
            {sides.map((side, index) => (
              <AnswerPanel key={index} title={words.answers[index] ?? ""} side={side} revealed={vote.isSuccess} />
            ))}
          </div>
          {whole && !vote.isSuccess && (
            <div role="group" aria-label={words.better} className="flex flex-wrap gap-2">
              {CHOICES.map((choice) => (
                <Button key={choice} disabled={vote.isPending} onClick={() => judge(choice)}>
                  {words.choices[choice]}
                </Button>
              ))}
            </div>
          )}
          {over && !whole && (
            <p role="status" className="text-hint text-muted">
              {words.voteNeedsBoth}
            </p>
          )}
          {vote.error && <Problem error={vote.error} title={words.voteFailed} />}
          {vote.data?.tallies.map((tally) => <TallyLine key={`${tally.one} ${tally.other}`} tally={tally} />)}
        </>
      )}
    </section>
  );
}

interface RevisionSelectProps {
  label: string;
  name: string;
  revisions: readonly Revision[];
  /** Which of them is chosen at first. */
  usual: number;
  wrong?: boolean;
}

function RevisionSelect({ label, name, revisions, usual, wrong = false }: RevisionSelectProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-ui font-medium">
        {label}
      </label>
      <select
        id={id}
        name={name}
        defaultValue={revisions[usual]?.revision}
        aria-invalid={wrong || undefined}
        aria-describedby={wrong ? `${id}-note` : undefined}
        className={cn(inputStyle, "h-11")}
      >
        {revisions.map(({ revision }) => (
          <option key={revision}>{revision}</option>
        ))}
      </select>
      {wrong && (
        <p id={`${id}-note`} className="mt-1 text-hint text-danger">
          {words.sameRevision}
        </p>
      )}
    </div>
  );
}

function judged({ revision, progress }: Side) {
  return {
    revision,
    text: progress.text,
    completion_tokens: progress.completionTokens,
    first_ms: progress.firstMs,
    duration_ms: progress.durationMs,
  };
}
