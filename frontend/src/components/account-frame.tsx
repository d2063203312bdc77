"use client";

import { useEffect, type ReactNode } from "react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { PageHeader } from "./page-header";
import { cn } from "@/lib/cn";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";

const words = strings.identity.account;

interface AccountFrameProps {
  title: string;
  /** For tables, which need the room. */
  wide?: boolean;
  children: ReactNode;
}

/** What the pages about oneself have in common: the title and the way from one to the next. */
export function AccountFrame({ title, wide = false, children }: AccountFrameProps) {
  const user = useUser();
  const here = usePathname();
  useEffect(() => {
    document.title = `${title} · ${strings.product}`;
  }, [title]);
  const tabs = [
    ["/account", words.profileTab],
    ["/account/security", words.securityTab],
    ...(user.role === "user" ? [] : ([["/models", words.modelsTab]] as const)),
    ...(user.role === "admin" ? ([
          ["/people", words.peopleTab],
          ["/groups", words.groupsTab],
          ["/audit", words.auditTab],
        ] as const) : []),
  ] as const;
  return (
    <>
      <PageHeader title={title} />
      <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={-1}>
        <div className={cn("mx-auto w-full px-4 pt-2 pb-16 md:px-6", wide ? "max-w-5xl" : "max-w-(--measure)")}>
          <nav aria-label={words.tabs} className="mb-8 flex gap-1 overflow-x-auto border-b border-line">
            {tabs.map(([href, label]) => {
              const current = here.replace(/\/$/, "") === href;
              return (
                <Link
                  key={href}
                  href={href}
                  aria-current={current ? "page" : undefined}
                  className={cn(
                    "shrink-0 border-b-2 px-2 py-2 whitespace-nowrap sm:px-3",
                    current ? "border-accent font-medium" : "border-transparent text-muted hover:text-text",
                  )}
                >
                  {label}
                </Link>
              );
            })}
          </nav>
          <div className="space-y-10">{children}</div>
        </div>
      </div>
    </>
  );
}

export function Section({ title, detail, children }: { title: string; detail?: string; children: ReactNode }) {
  return (
    <section>
      <h2 className="text-reading font-semibold">{title}</h2>
      {detail && <p className="mt-1 text-ui text-muted">{detail}</p>}
      <div className="mt-4">{children}</div>
    </section>
  );
}
