/** Every key of the query cache, so that features and pushed events agree on them without knowing each other. */
export const queryKeys = {
  me: ["me"] as const,
  models: ["models"] as const,
  apiKeys: ["api-keys"] as const,
  factors: ["factors"] as const,
  devices: ["devices"] as const,
  audit: (filters: Readonly<Record<string, string>>) => ["audit", filters] as const,
  conversations: ["conversations"] as const,
  archived: ["archived"] as const,
  conversation: (id: string) => ["conversation", id] as const,
  search: (query: string) => ["search", query] as const,
  prompts: ["prompts"] as const,
  limits: ["limits"] as const,
  shared: (token: string) => ["shared", token] as const,
  jobs: ["jobs"] as const,
  summary: (conversationId: string) => ["summary", conversationId] as const,
  messages: (conversationId: string) => ["messages", conversationId] as const,
};
