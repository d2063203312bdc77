import Link from "next/link";
import { strings } from "@/lib/strings";

export default function NotFound() {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-3 px-6 text-center">
      <h1 className="text-title font-semibold">{strings.notFound.title}</h1>
      <p className="text-muted">{strings.notFound.detail}</p>
      <Link href="/" className="mt-2 font-medium text-accent underline underline-offset-2">
        {strings.notFound.home}
      </Link>
    </main>
  );
}
