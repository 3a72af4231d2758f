import createFetchClient from 'openapi-fetch';
import createClient from 'openapi-react-query';
import i18n from '../i18n';
import { session } from './session';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type Problem = Schemas['Problem'];
export type Me = Schemas['Me'];
export type Report = Schemas['Report'];
export type Broadcast = Schemas['Broadcast'];
export type Area = Schemas['AreaView'];

let ahead = 0; // the hub's clock minus the browser's, ms

/** The hub's time, to half a second, as its last answer told it: a PC's own may be years off. */
export const hubNow = () => Date.now() + ahead;

/**
 * A request whose session has ended waits until the person has signed in again, and is then repeated: a form
 * that was being filled in loses nothing.
 */
async function patient(request: Request): Promise<Response> {
  const again = request.clone();
  const answer = await fetch(request);
  ahead = Date.parse(answer.headers.get('Date') ?? '') + 500 - Date.now() || 0; // it has whole seconds
  if (!answer.ok && !answer.headers.get('Content-Type')?.includes('json')) throw new Error(`${answer.status} from something between here and the hub`); // without a body it would pass for a success
  if (answer.status !== 401) return answer;
  await session.again();
  return patient(again);
}

export const http = createFetchClient<paths>({ baseUrl: '/api/v1', fetch: patient });
http.use({
  onRequest({ request }) {
    request.headers.set('Accept-Language', i18n.language);
    return request;
  },
});
export const api = createClient(http);

/** Whether an error is a refusal of the hub's, with words for people. */
export function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'code' in error && 'vi' in error;
}

/** What went wrong and what to do next, in the language of the page. */
export function sentence(error: unknown): string {
  if (isProblem(error)) {
    const words = i18n.language === 'en' ? error.en : error.vi;
    // Without a message a field's name is for programs: the words say what it means.
    const fields = (error.errors ?? []).flatMap((e) => (e.message ? [`${e.field}: ${e.message}`] : [])).join('; ');
    return fields ? `${words} (${fields})` : words;
  }
  return i18n.t('error.network');
}

/** The address of a table as a file, with heads and words in the language of the page; what is empty is left out. */
export function tableFile(path: '/plays/export' | '/evidence/export', format: 'csv' | 'xlsx', query: Record<string, string | number | undefined>): string {
  const given = Object.entries({ ...query, format, lang: i18n.language }).filter(([, v]) => v);
  return `/api/v1${path}?${new URLSearchParams(given as [string, string][])}`;
}
