"use client";

import { Button } from "@/components/ui/button";
import { strings } from "@/lib/strings";

/** The last resort when a component fails: nothing is lost on the server, so a reload continues. */
export default function ErrorPage() {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-3 px-6 text-center">
      <h1 className="text-title font-semibold">{strings.errors.pageTitle}</h1>
      <p className="text-muted">{strings.errors.pageDetail}</p>
      <Button variant="primary" className="mt-2" onClick={() => window.location.reload()}>
        {strings.errors.reload}
      </Button>
    </main>
  );
}
