import { Modal, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useSession } from '../api/session';
import { Form } from './signin';

/** Over a page whose session has ended: nothing below it is lost. */
export default function SignInAgain() {
  const { t } = useTranslation();
  const { me } = useSession();
  return (
    <Modal opened onClose={() => undefined} withCloseButton={false} closeOnClickOutside={false} closeOnEscape={false} title={t('signin.ended')} centered>
      <Text c="dimmed" size="sm" mb="md">
        {t('signin.endedhint')}
      </Text>
      <Form name={me?.name} />
    </Modal>
  );
}
