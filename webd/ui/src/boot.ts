// Runs before the first paint, so that a dark panel never flashes white.
import { applyTheme } from './theme';

applyTheme();
