export const STEP_MS: number;
export function newSecret(): string;
export function codeAt(secret: string, ms?: number): string;
