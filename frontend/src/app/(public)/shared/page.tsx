import type { Metadata } from "next";
import { SharedView } from "@/features/chat/components/shared-view";
import { strings } from "@/lib/strings";

export const metadata: Metadata = {
  title: `${strings.share.untitled} · ${strings.product}`,
  robots: { index: false, follow: false },
  referrer: "no-referrer",
};

/** Served for every address below /shared/: the token is read there. */
export default function SharedPage() {
  return <SharedView />;
}
