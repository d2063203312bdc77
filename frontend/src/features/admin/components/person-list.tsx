"use client";

import { useState } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useStepUp } from "@/components/step-up/use-step-up";
import { Confirm } from "@/components/ui/dialog";
import { Problem } from "@/components/ui/problem";
import { toApiError } from "@/lib/api/error";
import type { Group, Person } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import { strings } from "@/lib/strings";
import { changePerson } from "../api/change-person";
import { deletePerson } from "../api/delete-person";
import { endSessionsOf } from "../api/end-sessions-of";
import { keepPerson } from "../api/keep-person";
import { removeFactorOf } from "../api/remove-factor-of";
import { PersonRow } from "./person-row";

const words = strings.identity.people;

/** People and what an administrator can do with their accounts. */
export function PersonList({ people, groups }: { people: readonly Person[]; groups: readonly Group[] }) {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const [asked, setAsked] = useState<Person | null>(null);
  const [wanted, setWanted] = useState<"disable" | "delete">("disable");
  const [confirming, setConfirming] = useState(false);
  const act = useMutation({
    mutationFn: (wanted: () => Promise<unknown>) => stepUp.run(wanted),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: queryKeys.groups });
      return client.invalidateQueries({ queryKey: ["people"] });
    },
  });
  const confirm = (person: Person, what: typeof wanted) => {
    setAsked(person);
    setWanted(what);
    setConfirming(true);
  };
  const failed = act.error && toApiError(act.error).code !== "cancelled";
  return (
    <>
      {failed && <Problem error={act.error} />}
      <ul className="divide-y divide-line rounded-card border border-line">
        {people.map((person) => (
          <PersonRow
            key={person.id}
            person={person}
            groups={groups}
            busy={act.isPending}
            onGroup={(group) => act.mutate(() => changePerson(person.id, { group_id: group }))}
            onRole={(role) => act.mutate(() => changePerson(person.id, { role }))}
            onEnable={() => act.mutate(() => changePerson(person.id, { active: true }))}
            onDisable={() => confirm(person, "disable")}
            onDelete={() => confirm(person, "delete")}
            onKeep={() => act.mutate(() => keepPerson(person.id))}
            onEndSessions={() => act.mutate(() => endSessionsOf(person.id))}
            onRemoveFactor={() => act.mutate(() => removeFactorOf(person.id))}
          />
        ))}
      </ul>
      <Confirm
        open={confirming}
        onOpenChange={setConfirming}
        title={wanted === "disable" ? words.disableTitle : words.removeTitle}
        detail={(wanted === "disable" ? words.disableDetail : words.removeDetail)(asked?.name ?? "")}
        confirm={wanted === "disable" ? words.disableConfirm : words.removeConfirm}
        onConfirm={() =>
          asked && act.mutate(() => (wanted === "disable" ? changePerson(asked.id, { active: false }) : deletePerson(asked.id)))
        }
      />
      {stepUp.dialog}
    </>
  );
}
