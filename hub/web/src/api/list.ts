import { useInfiniteQuery } from '@tanstack/react-query';

type Answer<T> = { data?: { items: T[]; next: string }; error?: unknown };

/**
 * A long list, page after page, each from the mark where the one before it ended. Its place among the answers is its
 * own: the same list asked for at once has another shape.
 */
export function useList<T>(path: string, query: object, ask: (cursor: string | undefined, signal: AbortSignal) => Promise<Answer<T>>, enabled = true) {
  const list = useInfiniteQuery({
    queryKey: ['get', path, 'pages', query],
    queryFn: async ({ pageParam, signal }) => {
      const { data, error } = await ask(pageParam || undefined, signal);
      if (!data) throw error;
      return data;
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next || undefined,
    placeholderData: (before) => before,
    enabled,
  });
  return { ...list, items: list.data?.pages.flatMap((p) => p.items) ?? [] };
}
