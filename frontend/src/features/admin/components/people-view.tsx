"use client";

import { useDeferredValue, useState } from "react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { AccountFrame } from "@/components/account-frame";
import { Button } from "@/components/ui/button";
import { Field, inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";
import { strings } from "@/lib/strings";
import { groupsQuery } from "../api/groups";
import { peopleQuery } from "../api/people";
import { Invitations } from "./invitations";
import { PersonList } from "./person-list";

const words = strings.identity.people;

export function PeopleView() {
  const [typed, setTyped] = useState("");
  const wanted = useDeferredValue(typed.trim());
  const [group, setGroup] = useState("");
  const groups = useQuery(groupsQuery);
  const people = useInfiniteQuery(peopleQuery(wanted, group));
  const found = people.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <AccountFrame title={words.title}>
      <section className="space-y-4">
        <div className="flex flex-wrap gap-3">
          <Field
            className="min-w-48 flex-1"
            label={words.search}
            type="search"
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
          {groups.data && groups.data.length > 0 && (
            <label className="w-44">
              <span className="mb-1 block text-ui font-medium">{words.inGroup}</span>
              <select
                value={group}
                onChange={(event) => setGroup(event.target.value)}
                className={cn(inputStyle, "h-11 text-reading")}
              >
                <option value="">{words.anyGroup}</option>
                {groups.data.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
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
        {found.length > 0 && <PersonList people={found} groups={groups.data ?? []} />}
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
