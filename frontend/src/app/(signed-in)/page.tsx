import { ChatView } from "@/features/chat/components/chat-view";

export default function ChatPage() {
  return <ChatView />;
}
