"use client";

import { useCallback, useState, type ReactNode } from "react";
import { usePathname, useRouter } from "next/navigation";
import { useQueryClient } from "@tanstack/react-query";
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

  async function signOut() {
    try {
      await logout();
    } catch {
      // Out of reach: leave anyway. The session ends on the server by itself.
    }
    clearDrafts(user.id);
    client.clear();
    router.replace("/sign-in");
  }

  return (
    <LiveTurnsProvider>
      <Frame
        list={<ConversationList activeId={onChatPage ? chatId : null} onOpen={openChat} />}
        account={
          <AccountMenu
            onAccount={() => router.push("/account")}
            onShortcuts={showShortcuts}
            onSignOut={() => void signOut()}
          />
        }
        newChat={newChat}
        newChatHint={newChatHint()}
        place={`${pathname}?${chatId ?? ""}`}
      >
        {children}
      </Frame>
      <ShortcutList open={listing} onOpenChange={setListing} />
    </LiveTurnsProvider>
  );
}
