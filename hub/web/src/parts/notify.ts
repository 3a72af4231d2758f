import { notifications } from '@mantine/notifications';
import { sentence } from '../api/client';
import i18n from '../i18n';

const show = (message: string, color: string, autoClose?: number) => notifications.show({ message, color, autoClose, closeButtonProps: { 'aria-label': i18n.t('common.close') } });

export const say = (message: string) => show(message, 'green');
export const complain = (error: unknown) => show(sentence(error), 'red', 12_000);
