/** The product's sign: a channel of water leading to a turbine. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" fill="none" aria-hidden className={className}>
      <path
        d="M2 7.5c2.6 0 2.6 2 5.2 2s2.6-2 5.2-2c1.5 0 2.1.7 2.9 1.2"
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
      />
      <path d="M2 13.5c2.6 0 2.6 2 5.2 2 .9 0 1.500-.25 2-.55" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
      <circle cx="16.500" cy="14.500" r="4.500" stroke="currentColor" strokeWidth="2" />
      <circle cx="16.500" cy="14.500" r="1.250" fill="currentColor" />
    </svg>
  );
}
