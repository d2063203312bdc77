import type { SearchHit } from "@/lib/api/types";

/** What matched, marked. Text nodes only: what was found is never markup of the page. */
export function Fragments({ fragments }: Pick<SearchHit, "fragments">) {
  return fragments.map((fragment, index) =>
    fragment.match ? (
      <mark key={index} className="rounded-[3px] bg-accent-soft px-0.5 font-medium text-accent">
        {fragment.text}
      </mark>
    ) : (
      <span key={index}>{fragment.text}</span>
    ),
  );
}
