"use client";

import { lazy, Suspense, useCallback, type ReactNode } from "react";
import { usePathname, useRouter } from "next/navigation";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Dialog } from "@/components/ui/dialog";
import { Problem } from "@/components/ui/problem";
import { Toasts } from "@/components/ui/toasts";
import { logout } from "@/features/auth/api/logout";
import { LiveTurnsProvider } from "@/features/chat/components/live-turns-context";
import { clearDrafts } from "@/features/chat/draft";
import { useEvents } from "@/features/events/use-events";
import { ConversationList } from "@/features/history/components/conversation-list";
import { AccountMenu } from "@/features/shell/account-menu";
import { Frame } from "@/features/shell/frame";
import { newChatKeys, useShortcuts } from "@/features/shell/shortcuts";
import { beginToLeave } from "@/lib/api/client";
import { useChatId, useOpenChat } from "@/lib/navigation";
import { openPanel } from "@/lib/panel";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { Panels } from "./panels";

const KeepAccount = lazy(async () => ({ default: (await import("@/components/keep-account")).KeepAccount }));

const showPalette = () => openPanel({ name: "palette" });
const showShortcuts = () => openPanel({ name: "shortcuts" });

/** Where the features of the signed-in page are put together; they do not know each other. */
export function SignedInFrame({ children }: { children: ReactNode }) {
  const pathname = usePathname();
  const router = useRouter();
  const client = useQueryClient();
  const user = useUser();
  const chatId = useChatId();
  const openChat = useOpenChat();
  const onChatPage = pathname === "/";

  useEvents();

  const newChat = useCallback(() => {
    openChat(null);
    document.getElementById("composer")?.focus();
  }, [openChat]);
  const search = useCallback(
    (words?: string) => router.push(words ? `/search?q=${encodeURIComponent(words)}` : "/search"),
    [router],
  );
  const goToSearch = useCallback(() => search(), [search]);
  useShortcuts({ onPalette: showPalette, onNewChat: newChat, onSearch: goToSearch, onList: showShortcuts });

  const signOut = useMutation({
    mutationFn: logout,
    onSuccess: () => {
      beginToLeave();
      clearDrafts(user.id);
      client.clear();
      router.replace("/sign-in");
    },
  });

  return (
    <LiveTurnsProvider>
      <Frame
        list={<ConversationList activeId={onChatPage ? chatId : null} onOpen={openChat} onSearch={search} />}
        account={
          <AccountMenu
            onAccount={() => router.push("/account")}
            onArchived={() => router.push("/archived")}
            onShortcuts={showShortcuts}
            onSignOut={() => signOut.mutate()}
          />
        }
        newChat={newChat}
        newChatHint={`${strings.shortcuts.newChat} (${newChatKeys()})`}
        place={`${pathname}?${chatId ?? ""}`}
      >
        {user.delete_at !== null && pathname !== "/account" && (
          <Suspense>
            <div className="shrink-0 px-4 pt-3">
              <KeepAccount at={user.delete_at} />
            </div>
          </Suspense>
        )}
        {children}
      </Frame>
      <Dialog open={signOut.isError} onOpenChange={() => signOut.reset()} title={strings.account.stillSignedIn}>
        <Problem error={signOut.error} onRetry={() => signOut.mutate()} />
      </Dialog>
      <Panels />
      <Toasts />
    </LiveTurnsProvider>
  );
}
