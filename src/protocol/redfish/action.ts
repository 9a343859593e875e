import { partOf, partsOf, pathOf, type Resource, textOf, textsOf, type Uri } from './resource.js';

/** An action of a resource (DSP0266 §7.9); its target is used unchanged. */
export interface Action {
  readonly target: Uri;
  /** Parameter to its allowed values, for parameters whose values are listed inline. */
  readonly allowable: Readonly<Record<string, readonly string[]>>;
  /** The ActionInfo that describes the parameters, for services that do not list values inline. */
  readonly info: Uri | undefined;
}

const ALLOWABLE = '@Redfish.AllowableValues';

/** @param name such as `ComputerSystem.Reset` @returns undefined if the resource does not offer it */
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
  // By the specification a link is an object; every service seen so far has the bare path.
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

/** Parameters of an ActionInfo (DSP0268). */
export function readActionInfo(info: Resource): ActionParameter[] {
  return partsOf(info, 'Parameters').flatMap((parameter) => {
    const name = textOf(parameter, 'Name');
    if (name === undefined) return [];
    const allowable = textsOf(parameter, 'AllowableValues');
    return [{ name, required: parameter['Required'] === true, allowable }];
  });
}

/** Allowed values of a parameter, inline or from the ActionInfo. @returns undefined if the service lists none */
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

/** `Property@Redfish.AllowableValues` of a resource or a part of it. @returns undefined if there is none */
export function allowableValues(part: Resource | undefined, property: string): readonly string[] | undefined {
  const values = textsOf(part, `${property}${ALLOWABLE}`);
  return values && values.length > 0 ? values : undefined;
}
