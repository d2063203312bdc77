"use client";

import { useDeferredValue, useState } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { AccountFrame } from "@/components/account-frame";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { strings } from "@/lib/strings";
import { peopleQuery } from "../api/people";
import { Invitations } from "./invitations";
import { PersonList } from "./person-list";

const words = strings.identity.people;

export function PeopleView() {
  const [typed, setTyped] = useState("");
  const wanted = useDeferredValue(typed.trim());
  const people = useInfiniteQuery(peopleQuery(wanted));
  const found = people.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <AccountFrame title={words.title}>
      <section className="space-y-4">
        <Field
          label={words.search}
          type="search"
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        {people.error && (
          <Problem error={people.error} title={words.failed} onRetry={() => void people.refetch()} />
        )}
        {people.isPending && (
          <Skeleton className="space-y-2">
            <Bone className="h-16 w-full" />
            <Bone className="h-16 w-full" />
            <Bone className="h-16 w-full" />
          </Skeleton>
        )}
        {people.data && found.length === 0 && <p className="py-6 text-center text-muted">{words.empty}</p>}
        {found.length > 0 && <PersonList people={found} />}
        {people.hasNextPage && (
          <Button className="w-full" disabled={people.isFetchingNextPage} onClick={() => void people.fetchNextPage()}>
            {words.more}
          </Button>
        )}
      </section>
      <Invitations />
    </AccountFrame>
  );
}
