"use client";

import { useState } from "react";
import { ApiError, toApiError } from "@/lib/api/error";
import { StepUpDialog } from "./step-up-dialog";

interface Waiting {
  proved: () => void;
  cancelled: () => void;
}

/**
 * Runs what may need a fresh proof of who is here: where the server asks for one, the dialog does, and what
 * was wanted is done afterwards. Whoever closes the dialog gets an ApiError of the code "cancelled".
 */
export function useStepUp() {
  const [waiting, setWaiting] = useState<Waiting | null>(null);

  async function run<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (toApiError(error).code !== "step_up_required") throw error;
    }
    await new Promise<void>((resolve, reject) => {
      setWaiting({ proved: resolve, cancelled: () => reject(new ApiError("cancelled", "", 0, false)) });
    });
    return act();
  }

  const dialog = (
    <StepUpDialog
      open={waiting !== null}
      onProved={() => {
        waiting?.proved();
        setWaiting(null);
      }}
      onCancel={() => {
        waiting?.cancelled();
        setWaiting(null);
      }}
    />
  );
  return { run, dialog };
}
