"use client";

import { strings } from "@/lib/strings";
import { AccountFrame, Section } from "@/components/account-frame";
import { Devices } from "./devices";
import { Identities } from "./identities";
import { Passkeys } from "./passkeys";
import { PasswordForm } from "./password-form";
import { SecondFactor } from "./second-factor";

const words = strings.identity.security;

export function SecurityView() {
  return (
    <AccountFrame title={words.title}>
      <Section title={words.password}>
        <PasswordForm />
      </Section>
      <Section title={words.factor} detail={words.factorDetail}>
        <SecondFactor />
      </Section>
      <Section title={strings.identity.passkeys.title} detail={strings.identity.passkeys.detail}>
        <Passkeys />
      </Section>
      <Section title={strings.identity.elsewhere.title} detail={strings.identity.elsewhere.detail}>
        <Identities />
      </Section>
      <Section title={words.sessions}>
        <Devices />
      </Section>
    </AccountFrame>
  );
}
