import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

const variants = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover",
  danger: "bg-danger text-on-danger hover:bg-danger-hover",
  outline: "border border-line bg-page text-text hover:bg-hover",
  ghost: "text-text hover:bg-hover",
} as const;

interface ButtonProps extends ComponentProps<"button"> {
  variant?: keyof typeof variants;
  size?: "md" | "sm";
}

export function Button({ variant = "outline", size = "md", className, type = "button", ...props }: ButtonProps) {
  return (
    <button
      type={type}
      className={cn(
        "inline-flex items-center justify-center gap-2 rounded-control font-medium whitespace-nowrap transition-colors",
        "disabled:cursor-not-allowed disabled:opacity-60",
        size === "md" ? "h-10 px-4 text-ui" : "h-8 px-3 text-hint",
        variants[variant],
        className,
      )}
      {...props}
    />
  );
}

interface IconButtonProps extends Omit<ComponentProps<"button">, "aria-label" | "title"> {
  label: string;
  size?: "md" | "sm";
}

/** A button with a picture for a face; its name is read out and shown on hover. */
export function IconButton({ label, size = "md", className, type = "button", ...props }: IconButtonProps) {
  return (
    <button
      type={type}
      aria-label={label}
      title={label}
      className={cn(
        "inline-flex shrink-0 items-center justify-center rounded-control text-muted transition-colors",
        "hover:bg-hover hover:text-text disabled:cursor-not-allowed disabled:opacity-60",
        // A finger needs more room than a pointer.
        size === "md" ? "size-9 pointer-coarse:size-11" : "size-7 pointer-coarse:size-9",
        className,
      )}
      {...props}
    />
  );
}
