// Starts the panel.
import { render } from 'preact';
import { startRouter } from './router';
import { start, startPolling } from './state';
import { App } from './shell/app';

startRouter();
startPolling();
const root = document.getElementById('app');
if (root) render(<App />, root);
void start();
