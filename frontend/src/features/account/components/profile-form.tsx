"use client";

import { useState, type FormEvent } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Field, inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { queryKeys } from "@/lib/api/query-keys";
import { cn } from "@/lib/cn";
import { checkPresent } from "@/lib/credentials";
import { formText } from "@/lib/form";
import { formatDate } from "@/lib/format";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { changeProfile } from "../api/change-profile";

const words = strings.identity.account;

export function ProfileForm() {
  const user = useUser();
  const client = useQueryClient();
  const [wrong, setWrong] = useState<string>();
  const save = useMutation({
    mutationFn: changeProfile,
    onSuccess: (changed) => client.setQueryData(queryKeys.me, changed),
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const name = formText(data, "name").trim();
    const error = checkPresent(strings.account.name, name);
    setWrong(error);
    if (!error) save.mutate({ name, time_zone: formText(data, "time_zone") || null });
  }

  return (
    <form onSubmit={submit} noValidate className="space-y-4" onChange={() => save.isSuccess && save.reset()}>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label={strings.account.name}
          name="name"
          autoComplete="name"
          maxLength={100}
          defaultValue={user.name}
          error={wrong}
        />
        <label>
          <span className="mb-1 block text-ui font-medium">{words.timeZone}</span>
          <select
            name="time_zone"
            defaultValue={user.time_zone ?? ""}
            className={cn(inputStyle, "h-11 text-reading")}
          >
            <option value="">{words.timeZoneOwn}</option>
            {Intl.supportedValuesOf("timeZone").map((zone) => (
              <option key={zone} value={zone}>
                {zone.replaceAll("_", " ")}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p className="text-ui text-muted">
        {strings.identity.account.since(strings.account.roles[user.role], formatDate(user.created_at))}
      </p>
      {save.error && <Problem error={save.error} />}
      <div className="flex items-center gap-3">
        <Button type="submit" disabled={save.isPending}>
          {save.isPending ? words.saving : words.save}
        </Button>
        <span role="status" className="text-ui text-success">
          {save.isSuccess && words.saved}
        </span>
      </div>
    </form>
  );
}
