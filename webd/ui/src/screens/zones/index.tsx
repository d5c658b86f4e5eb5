// Zones: the list, and the page of one zone behind "#/zones/NAME".
import { route } from '../../router';
import { ZoneListScreen } from './list';
import { ZoneScreen } from './zone';

export default function Zones() {
  const name = route.value.path[1];
  return name === undefined ? <ZoneListScreen /> : <ZoneScreen key={name} name={name} />;
}
