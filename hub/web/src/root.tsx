import { MantineProvider, localStorageColorSchemeManager } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import '@mantine/notifications/styles.css';
import { MutationCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { isProblem } from './api/client';
import { session, useSession } from './api/session';
import { App } from './app';
import { nonce } from './nonce';
import { ErrorBoundary } from './parts/boundary';
import { SignIn } from './parts/signin';
import { Failing, Loading } from './parts/states';
import { resolver, theme } from './theme';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) => !isProblem(error) && count < 3, // a refusal stays one; a line comes back
      refetchOnWindowFocus: true,
    },
  },
  mutationCache: new MutationCache({ onSuccess: () => void queries.invalidateQueries() }),
});
const colours = localStorageColorSchemeManager({ key: 'loa-colours' });

export function Root() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={resolver} defaultColorScheme="auto" colorSchemeManager={colours} getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-left" autoClose={5000} />
        <ErrorBoundary>
          <Door />
        </ErrorBoundary>
      </QueryClientProvider>
    </MantineProvider>
  );
}

/** Who is not signed in sees the door; who was, stays where they are and signs in over it. */
function Door() {
  const { phase } = useSession();
  const { i18n } = useTranslation();
  useEffect(() => {
    document.documentElement.lang = i18n.language;
  }, [i18n.language]);
  switch (phase) {
    case 'unknown':
      return <Loading />;
    case 'failed':
      return <Failing again={() => void session.load()} />;
    case 'out':
      return <SignIn />;
    default:
      return <App />;
  }
}
