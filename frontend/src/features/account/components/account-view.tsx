"use client";

import { Download } from "lucide-react";
import { cn } from "@/lib/cn";
import { strings } from "@/lib/strings";
import { chooseTheme, useTheme } from "@/lib/theme";
import { AccountFrame, Section } from "@/components/account-frame";
import { ApiKeys } from "./api-keys";
import { DeleteAccount } from "./delete-account";
import { EmailForm } from "./email-form";
import { Picture } from "./picture";
import { ProfileForm } from "./profile-form";

export function AccountView() {
  return (
    <AccountFrame title={strings.account.title}>
      <Section title={strings.account.profile}>
        <Picture />
        <ProfileForm />
      </Section>
      <Section title={strings.identity.account.emailTitle}>
        <EmailForm />
      </Section>
      <Section title={strings.account.appearance}>
        <Appearance />
      </Section>
      <Section title={strings.account.keys} detail={strings.account.keysDetail}>
        <ApiKeys />
      </Section>
      <Section title={strings.identity.account.data} detail={strings.identity.account.dataDetail}>
        <a
          href="/api/account/export"
          download
          className="inline-flex h-10 items-center gap-2 rounded-control border border-line bg-page px-4 text-ui font-medium hover:bg-hover"
        >
          <Download aria-hidden className="size-4" />
          {strings.identity.account.download}
        </a>
      </Section>
      <Section title={strings.identity.account.deletion} detail={strings.identity.account.deletionDetail}>
        <DeleteAccount />
      </Section>
    </AccountFrame>
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
