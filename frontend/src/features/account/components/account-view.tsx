"use client";

import { useEffect, type ReactNode } from "react";
import { PageHeader } from "@/components/page-header";
import { cn } from "@/lib/cn";
import { formatDate } from "@/lib/format";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { chooseTheme, useTheme } from "@/lib/theme";
import { ApiKeys } from "./api-keys";

export function AccountView() {
  useEffect(() => {
    document.title = `${strings.account.title} · ${strings.product}`;
  }, []);
  return (
    <>
      <PageHeader title={strings.account.title} />
      <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={-1}>
        <div className="mx-auto w-full max-w-(--measure) space-y-10 px-4 pt-4 pb-16 md:px-6">
          <Section title={strings.account.profile}>
            <Profile />
          </Section>
          <Section title={strings.account.appearance}>
            <Appearance />
          </Section>
          <Section title={strings.account.keys} detail={strings.account.keysDetail}>
            <ApiKeys />
          </Section>
        </div>
      </div>
    </>
  );
}

function Section({ title, detail, children }: { title: string; detail?: string; children: ReactNode }) {
  return (
    <section>
      <h2 className="text-reading font-semibold">{title}</h2>
      {detail && <p className="mt-1 text-ui text-muted">{detail}</p>}
      <div className="mt-4">{children}</div>
    </section>
  );
}

function Profile() {
  const user = useUser();
  const rows = [
    [strings.account.name, user.name],
    [strings.account.email, user.email],
    [strings.account.role, strings.account.roles[user.role]],
    [strings.account.since, formatDate(user.created_at)],
  ] as const;
  return (
    <dl className="divide-y divide-line rounded-card border border-line">
      {rows.map(([name, value]) => (
        <div key={name} className="flex flex-wrap justify-between gap-x-6 px-4 py-3">
          <dt className="text-muted">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Appearance() {
  const theme = useTheme();
  return (
    <fieldset className="flex w-fit gap-1 rounded-control border border-line p-1">
      <legend className="sr-only">{strings.account.theme}</legend>
      {(["system", "light", "dark"] as const).map((value) => (
        <label
          key={value}
          className={cn(
            "cursor-pointer rounded-[6px] px-4 py-1.5 has-focus-visible:outline-2 has-focus-visible:outline-offset-2",
            theme === value ? "bg-selected font-medium" : "text-muted hover:bg-hover",
          )}
        >
          <input
            type="radio"
            name="theme"
            value={value}
            checked={theme === value}
            onChange={() => chooseTheme(value)}
            className="sr-only"
          />
          {strings.account.themes[value]}
        </label>
      ))}
    </fieldset>
  );
}
