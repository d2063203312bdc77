"use client";

import { useId, useState, type FormEvent } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Area, Field, inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { cacheConversation } from "@/lib/api/conversation-cache";
import { cn } from "@/lib/cn";
import { formatNumber } from "@/lib/format";
import { strings } from "@/lib/strings";
import { changeConversation } from "../api/change-conversation";
import { conversationQuery } from "../api/conversation";
import { newChatSettings, NO_SETTINGS, setNewChatSettings, type ChatSettings } from "../new-chat-settings";
import { readSettings, toText, type SettingsErrors, type SettingsText } from "../settings-form";
import { useChatModel } from "./use-chat-model";

const words = strings.settings;
const MOST_TOKENS = 1_000_000;
const FORMS = ["text", "json_object", "json_schema"] as const;

interface SettingsDialogProps {
  /** null for the chat that is about to begin. */
  chat: string | null;
  onDone: () => void;
}

/** What a chat tells its model besides the messages. */
export default function SettingsDialog({ chat, onDone }: SettingsDialogProps) {
  const conversation = useQuery({ ...conversationQuery(chat ?? ""), enabled: chat !== null });
  if (chat === null) return <SettingsForm chat={null} settings={newChatSettings()} ofModel={null} onDone={onDone} />;
  if (conversation.data)
    return <SettingsForm chat={chat} settings={conversation.data} ofModel={conversation.data.model} onDone={onDone} />;
  if (conversation.error)
    return <Problem error={conversation.error} title={words.loadFailed} onRetry={() => void conversation.refetch()} />;
  return (
    <Skeleton className="space-y-4">
      <Bone className="h-24 w-full" />
      <Bone className="h-11 w-full" />
      <Bone className="h-11 w-full" />
    </Skeleton>
  );
}

interface SettingsFormProps extends SettingsDialogProps {
  settings: ChatSettings;
  ofModel: string | null;
}

function SettingsForm({ chat, settings, ofModel, onDone }: SettingsFormProps) {
  const client = useQueryClient();
  const { model } = useChatModel(chat, ofModel);
  const most = model?.max_output_tokens ?? MOST_TOKENS;
  const [prompt, setPrompt] = useState(settings.system_prompt ?? "");
  const [text, setText] = useState(() => toText(settings.parameters));
  const [summarise, setSummarise] = useState(settings.summarise);
  const formHint = useId();
  const [errors, setErrors] = useState<SettingsErrors>({});

  const save = useMutation({
    mutationFn: async (next: ChatSettings) => {
      if (chat === null) setNewChatSettings(next);
      else cacheConversation(client, await changeConversation(chat, next));
    },
    onSuccess: onDone,
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const read = readSettings(text, most);
    setErrors(read.errors ?? {});
    // The first field that is wrong, once it says so.
    requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid]")?.focus());
    if (read.parameters) save.mutate({ system_prompt: prompt.trim() || null, parameters: read.parameters, summarise });
  }

  const field = (name: "temperature" | "top_p" | "max_tokens" | "seed", label: string, hint: string) => (
    <Field
      label={label}
      hint={hint}
      error={errors[name]}
      inputMode="decimal"
      autoComplete="off"
      value={text[name]}
      onChange={(event) => setText({ ...text, [name]: event.target.value })}
    />
  );

  return (
    <form onSubmit={submit} noValidate className="space-y-5">
      <Area
        label={words.prompt}
        hint={words.promptHint}
        placeholder={words.promptPlaceholder}
        rows={4}
        maxLength={20_000}
        value={prompt}
        onChange={(event) => setPrompt(event.target.value)}
      />
      <fieldset>
        <legend className="font-medium">{words.parameters}</legend>
        <p className="mb-3 text-hint text-muted">{words.parametersHint}</p>
        <div className="grid gap-4 sm:grid-cols-2">
          {field("temperature", words.temperature, words.temperatureHint)}
          {field("top_p", words.topP, words.topPHint)}
          {field("max_tokens", words.maxTokens, words.maxTokensHint(formatNumber(most)))}
          {field("seed", words.seed, words.seedHint)}
        </div>
        <Area
          className="mt-4"
          label={words.stop}
          hint={words.stopHint}
          error={errors.stop}
          rows={2}
          value={text.stop}
          onChange={(event) => setText({ ...text, stop: event.target.value })}
        />
        <label className="mt-4 block">
          <span className="mb-1 block text-ui font-medium">{words.form}</span>
          <select
            value={text.form}
            onChange={(event) => setText({ ...text, form: event.target.value as SettingsText["form"] })}
            aria-describedby={formHint}
            className={cn(inputStyle, "h-11 text-reading")}
          >
            {FORMS.map((form) => (
              <option key={form} value={form}>
                {words.forms[form]}
              </option>
            ))}
          </select>
        </label>
        <p id={formHint} className="mt-1 text-hint text-muted">
          {words.formHint}
        </p>
        {text.form === "json_schema" && (
          <Area
            className="mt-4"
            label={words.schema}
            hint={words.schemaHint}
            error={errors.schema}
            rows={6}
            spellCheck={false}
            value={text.schema}
            onChange={(event) => setText({ ...text, schema: event.target.value })}
          />
        )}
      </fieldset>
      <label className="flex items-start gap-2">
        <input
          type="checkbox"
          checked={summarise}
          onChange={(event) => setSummarise(event.target.checked)}
          className="mt-1 accent-(--accent)"
        />
        <span>
          <span className="block font-medium">{words.summarise}</span>
          <span className="block text-hint text-muted">{words.summariseHint}</span>
        </span>
      </label>
      {save.error && <Problem error={save.error} title={words.failed} />}
      <div className="flex justify-end gap-2">
        <Button
          onClick={() => {
            setPrompt("");
            setText(toText(NO_SETTINGS.parameters));
            setSummarise(NO_SETTINGS.summarise);
            setErrors({});
          }}
        >
          {words.reset}
        </Button>
        <Button type="submit" variant="primary" disabled={save.isPending}>
          {save.isPending ? words.saving : words.save}
        </Button>
      </div>
    </form>
  );
}
