import type { User } from "@/lib/api/types";
import { cn } from "@/lib/cn";

/** The person's picture, or the first letter of their name. */
export function Avatar({ user, className }: { user: Pick<User, "name" | "picture">; className: string }) {
  if (user.picture !== null)
    return <img src={user.picture} alt="" className={cn("shrink-0 rounded-full object-cover", className)} />;
  return (
    <span
      aria-hidden
      className={cn("flex shrink-0 items-center justify-center rounded-full bg-accent-soft font-semibold text-accent", className)}
    >
      {user.name.trim().charAt(0).toLocaleUpperCase()}
    </span>
  );
}
