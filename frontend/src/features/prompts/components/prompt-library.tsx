"use client";

import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { Button } from "@/components/ui/button";
import type { Prompt } from "@/lib/api/types";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { promptsQuery } from "../api/list";
import { PromptFill } from "./prompt-fill";
import { PromptForm } from "./prompt-form";
import { PromptList } from "./prompt-list";

type Step = { at: "list" } | { at: "form"; prompt: Prompt | null } | { at: "fill"; prompt: Prompt };

interface PromptLibraryProps {
  /** Put a prompt's words into the composer. */
  onInsert: (text: string) => void;
}

/** Words that are written often: found, made, changed, deleted, and put into the composer. */
export default function PromptLibrary({ onInsert }: PromptLibraryProps) {
  const prompts = useQuery(promptsQuery);
  const admin = useUser().role === "admin";
  const [step, setStep] = useState<Step>({ at: "list" });
  const toList = () => setStep({ at: "list" });

  if (step.at === "list") {
    return (
      <PromptList
        prompts={prompts}
        mayChange={(prompt) => prompt.mine || admin}
        onNew={() => setStep({ at: "form", prompt: null })}
        onEdit={(prompt) => setStep({ at: "form", prompt })}
        onUse={(prompt) => setStep({ at: "fill", prompt })}
      />
    );
  }
  return (
    <>
      <Button size="sm" variant="ghost" className="mb-3 -ml-3" onClick={toList}>
        <ArrowLeft aria-hidden className="size-4" />
        {strings.prompts.back}
      </Button>
      {step.at === "form" ? (
        <PromptForm prompt={step.prompt} mayShare={admin} onDone={toList} />
      ) : (
        <PromptFill prompt={step.prompt} onInsert={onInsert} />
      )}
    </>
  );
}
