import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';

const colours: Record<string, string> = {
  processing: 'blue', failed: 'red', draft: 'yellow', approved: 'green', withdrawn: 'gray', cancelled: 'gray', ended: 'gray',
  queued: 'gray', receiving: 'blue', verified: 'yellow', armed: 'green', playing: 'loa', played: 'loa', missed: 'red', cut: 'yellow', skipped: 'red',
};

/** A state as word and colour: never by colour alone. */
export function State({ of, is }: { of: 'report' | 'broadcast' | 'urgent' | 'ready' | 'outcome'; is: string }) {
  const { t } = useTranslation();
  return <Badge miw="max-content" color={of === 'urgent' && is === 'approved' ? 'red' : colours[is]}>{t(`state.${of}.${is}` as 'state.report.draft')}</Badge>;
}
