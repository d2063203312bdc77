"use client";

import { useCallback, useState, type ReactNode } from "react";
import { usePathname, useRouter } from "next/navigation";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Dialog } from "@/components/ui/dialog";
import { Problem } from "@/components/ui/problem";
import { logout } from "@/features/auth/api/logout";
import { LiveTurnsProvider } from "@/features/chat/components/live-turns-context";
import { clearDrafts } from "@/features/chat/draft";
import { useEvents } from "@/features/events/use-events";
import { ConversationList } from "@/features/history/components/conversation-list";
import { AccountMenu } from "@/features/shell/account-menu";
import { Frame } from "@/features/shell/frame";
import { newChatHint, ShortcutList, useShortcuts } from "@/features/shell/shortcuts";
import { useChatId, useOpenChat } from "@/lib/navigation";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";

/** Where the features of the signed-in page are put together; they do not know each other. */
export function SignedInFrame({ children }: { children: ReactNode }) {
  const pathname = usePathname();
  const router = useRouter();
  const client = useQueryClient();
  const user = useUser();
  const chatId = useChatId();
  const openChat = useOpenChat();
  const [listing, setListing] = useState(false);
  const onChatPage = pathname === "/";

  useEvents();

  const newChat = useCallback(() => {
    openChat(null);
    document.getElementById("composer")?.focus();
  }, [openChat]);
  const showShortcuts = useCallback(() => setListing(true), []);
  useShortcuts({ onNewChat: newChat, onList: showShortcuts });

  const signOut = useMutation({
    mutationFn: logout,
    onSuccess: () => {
      clearDrafts(user.id);
      client.clear();
      router.replace("/sign-in");
    },
  });

  return (
    <LiveTurnsProvider>
      <Frame
        list={<ConversationList activeId={onChatPage ? chatId : null} onOpen={openChat} />}
        account={
          <AccountMenu
            onAccount={() => router.push("/account")}
            onShortcuts={showShortcuts}
            onSignOut={() => signOut.mutate()}
          />
        }
        newChat={newChat}
        newChatHint={newChatHint()}
        place={`${pathname}?${chatId ?? ""}`}
      >
        {children}
      </Frame>
      <Dialog open={signOut.isError} onOpenChange={() => signOut.reset()} title={strings.account.stillSignedIn}>
        <Problem error={signOut.error} onRetry={() => signOut.mutate()} />
      </Dialog>
      <ShortcutList open={listing} onOpenChange={setListing} />
    </LiveTurnsProvider>
  );
}
