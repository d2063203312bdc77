import type { Conversation } from "@/lib/api/types";
import { daysBetween } from "@/lib/format";
import { strings } from "@/lib/strings";

export interface ConversationGroup {
  label: string;
  items: Conversation[];
}

/** Conversations, the pinned ones first and then the newest, under the headings a person would look under. Months after 30 days. */
export function groupByDay(conversations: Conversation[], now: Date, locale?: string): ConversationGroup[] {
  const groups: ConversationGroup[] = [];
  for (const conversation of conversations) {
    const label = conversation.pinned
      ? strings.rail.pinned
      : headingFor(new Date(conversation.updated_at), now, locale);
    const last = groups.at(-1);
    if (last?.label === label) last.items.push(conversation);
    else groups.push({ label, items: [conversation] });
  }
  return groups;
}

function headingFor(then: Date, now: Date, locale?: string): string {
  const days = daysBetween(then, now);
  // A clock that runs ahead of this one is still today.
  if (days <= 0) return strings.rail.today;
  if (days === 1) return strings.rail.yesterday;
  if (days <= 7) return strings.rail.week;
  if (days <= 30) return strings.rail.month;
  return new Intl.DateTimeFormat(locale, { month: "long", year: "numeric" }).format(then);
}

/** Loaded conversations whose title holds every word of the filter, whatever its case. */
export function filterByTitle(conversations: Conversation[], filter: string): Conversation[] {
  const words = filter.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return conversations;
  return conversations.filter((conversation) => {
    const title = (conversation.title ?? strings.rail.untitled).toLocaleLowerCase();
    return words.every((word) => title.includes(word));
  });
}
