import { partOf, partsOf, pathOf, type Resource, textOf, textsOf, type Uri } from './resource.js';

/** An action that a resource offers (DSP0266 §7.9): its target is used as it stands. */
export interface Action {
  readonly target: Uri;
  /** Parameter to the values that the service takes for it, where it says so inline. */
  readonly allowable: Readonly<Record<string, readonly string[]>>;
  /** Where the parameters are described, for services that do not say it inline. */
  readonly info: Uri | undefined;
}

const ALLOWABLE = '@Redfish.AllowableValues';

/** @param name such as `ComputerSystem.Reset` @returns undefined for what the resource does not offer */
export function actionOf(resource: Resource | undefined, name: string): Action | undefined {
  const actions = partOf(resource, 'Actions');
  const action = partOf(actions, `#${name}`) ?? partOf(partOf(actions, 'Oem'), `#${name}`);
  const target = pathOf(action?.['target']);
  if (!action || target === undefined) return undefined;
  const allowable = Object.fromEntries(
    Object.keys(action)
      .filter((key) => key.endsWith(ALLOWABLE))
      .map((key) => [key.slice(0, -ALLOWABLE.length), textsOf(action, key) ?? []]),
  );
  // A link should be an object's; every service that was seen has the bare path.
  const info = action['@Redfish.ActionInfo'];
  return {
    target,
    allowable,
    info: pathOf(info) ?? pathOf(partOf(action, '@Redfish.ActionInfo')?.['@odata.id']),
  };
}

/** A parameter as an ActionInfo describes it. */
export interface ActionParameter {
  readonly name: string;
  readonly required: boolean;
  readonly allowable: readonly string[] | undefined;
}

/** Of an ActionInfo (DSP0268). */
export function readActionInfo(info: Resource): ActionParameter[] {
  return partsOf(info, 'Parameters').flatMap((parameter) => {
    const name = textOf(parameter, 'Name');
    if (name === undefined) return [];
    const allowable = textsOf(parameter, 'AllowableValues');
    return [{ name, required: parameter['Required'] === true, allowable }];
  });
}

/** The values of a parameter, inline or from the ActionInfo. @returns undefined where the service does not say */
export function allowableOf(
  action: Action,
  parameter: string,
  info: readonly ActionParameter[] | undefined,
): readonly string[] | undefined {
  const inline = action.allowable[parameter];
  if (inline && inline.length > 0) return inline;
  const described = info?.find(({ name }) => name === parameter)?.allowable;
  return described && described.length > 0 ? described : undefined;
}

/** `Property@Redfish.AllowableValues` of a resource or a part of it. @returns undefined where it does not say */
export function allowableValues(part: Resource | undefined, property: string): readonly string[] | undefined {
  const values = textsOf(part, `${property}${ALLOWABLE}`);
  return values && values.length > 0 ? values : undefined;
}
