"use client";

import { isValidElement, type ComponentProps, type ReactNode } from "react";
import { ImageOff } from "lucide-react";
import remarkMath from "remark-math";
import { defaultRehypePlugins, defaultRemarkPlugins, Streamdown, type Components, type ExtraProps } from "streamdown";
import { strings } from "@/lib/strings";
import { CodeBlock } from "./code-block";
import { Formula } from "./formula";
import { isJsonText } from "./json-text";
import { withMathMarks } from "./math-marks";
import { safeHref } from "./safe-href";
import { topHeading } from "./top-heading";

type Props<Tag extends keyof React.JSX.IntrinsicElements> = ComponentProps<Tag> & ExtraProps;

/**
 * Without rehype-raw in this list Streamdown turns raw HTML into text: what a model writes is never
 * markup of this page. The sanitizer stays as a second wall.
 */
const rehypePlugins = [defaultRehypePlugins["sanitize"]!];
const remarkPlugins: typeof rehypePlugins = [
  ...Object.values(defaultRemarkPlugins),
  [remarkMath, { singleDollarTextMath: false }],
];
const noModal = { enabled: false };

/** Plain elements, styled by prose.css. */
const elements: Components = {
  p: ({ children }: Props<"p">) => <p>{children}</p>,
  ul: ({ children }: Props<"ul">) => <ul>{children}</ul>,
  ol: ({ children, start }: Props<"ol">) => <ol start={start}>{children}</ol>,
  li: ({ children, id }: Props<"li">) => <li id={id}>{children}</li>,
  strong: ({ children }: Props<"strong">) => <strong>{children}</strong>,
  em: ({ children }: Props<"em">) => <em>{children}</em>,
  blockquote: ({ children }: Props<"blockquote">) => <blockquote>{children}</blockquote>,
  hr: () => <hr />,
  sup: ({ children }: Props<"sup">) => <sup>{children}</sup>,
  sub: ({ children }: Props<"sub">) => <sub>{children}</sub>,
  section: ({ children }: Props<"section">) => <section>{children}</section>,
  thead: ({ children }: Props<"thead">) => <thead>{children}</thead>,
  tbody: ({ children }: Props<"tbody">) => <tbody>{children}</tbody>,
  tr: ({ children }: Props<"tr">) => <tr>{children}</tr>,
  th: ({ children, style }: Props<"th">) => <th style={style}>{children}</th>,
  td: ({ children, style }: Props<"td">) => <td style={style}>{children}</td>,
  table: ({ children }: Props<"table">) => (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={strings.chat.table}>
      <table>{children}</table>
    </div>
  ),
  input: ({ checked }: Props<"input">) => (
    <input type="checkbox" checked={checked ?? false} readOnly disabled aria-label={strings.chat.task} />
  ),
  a: ({ href, children }: Props<"a">) => {
    const safe = safeHref(href);
    if (safe === null) return <span>{children}</span>;
    return (
      <a href={safe} target="_blank" rel="noopener noreferrer nofollow" title={safe}>
        {children}
      </a>
    );
  },
  img: ({ src, alt }: Props<"img">) => <ImageLink src={typeof src === "string" ? src : undefined} alt={alt ?? ""} />,
  code: ({ children, className }: Props<"code">) =>
    isMath(className) ? <Formula source={textOf(children)} display={false} /> : <code>{children}</code>,
  pre: ({ children }: Props<"pre">) => {
    const { code, language } = readFence(children);
    if (language === "math") return <Formula source={code} display />;
    return <CodeBlock code={code} language={language} />;
  },
};

const tags = ["h3", "h4", "h5", "h6"] as const;

/**
 * The elements for a text whose largest heading has level `top`: it becomes an h3, below the page's
 * h1 and the message's h2, so that no level is skipped whichever a model likes to begin with.
 */
const componentsByTop = [1, 2, 3, 4, 5, 6].map((top): Components => {
  const headings: Components = {};
  for (let level = 1; level <= 6; level += 1) {
    const Tag = tags[Math.min(Math.max(level - top, 0), tags.length - 1)]!;
    const Heading = ({ children }: Props<"h1">) => <Tag>{children}</Tag>;
    headings[`h${level}`] = Heading as Components[string];
  }
  return { ...elements, ...headings };
});

function componentsFor(text: string): Components {
  return componentsByTop[topHeading(text) - 1]!;
}

interface MarkdownProps {
  text: string;
  /** The text is still growing: an open fence, table or emphasis is shown as if it were closed. */
  growing: boolean;
}

export default function Markdown({ text, growing }: MarkdownProps) {
  if (isJsonText(text)) {
    return (
      <div className="prose">
        <CodeBlock code={text.trimEnd()} language="json" />
      </div>
    );
  }
  return (
    <Streamdown
      className="prose"
      mode="streaming"
      parseIncompleteMarkdown={growing}
      isAnimating={growing}
      remarkPlugins={remarkPlugins}
      rehypePlugins={rehypePlugins}
      components={componentsFor(text)}
      controls={false}
      linkSafety={noModal}
    >
      {withMathMarks(text)}
    </Streamdown>
  );
}

/** Pictures of a model's choosing would tell their host who reads: they are offered, never loaded. */
function ImageLink({ src, alt }: { src: string | undefined; alt: string }) {
  const safe = safeHref(src);
  const face = (
    <>
      <ImageOff aria-hidden className="mr-1.5 inline size-4 align-[-3px]" />
      {strings.chat.image(alt)}
    </>
  );
  if (safe === null) return <span className="text-muted">{face}</span>;
  return (
    <a
      href={safe}
      target="_blank"
      rel="noopener noreferrer nofollow"
      title={strings.chat.imageFrom(new URL(safe).host)}
    >
      {face}
    </a>
  );
}

/** What remark-math makes of a formula; a fence that says "math" is one too. */
function isMath(className: string | undefined): boolean {
  return /\blanguage-math\b/.test(className ?? "");
}

function readFence(children: ReactNode): { code: string; language: string } {
  if (!isValidElement<{ className?: string; children?: ReactNode }>(children)) {
    return { code: textOf(children), language: "" };
  }
  const language = /language-(\S+)/.exec(children.props.className ?? "")?.[1] ?? "";
  return { code: textOf(children.props.children).replace(/\n$/, ""), language };
}

function textOf(node: ReactNode): string {
  if (typeof node === "string") return node;
  if (typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(textOf).join("");
  return "";
}
