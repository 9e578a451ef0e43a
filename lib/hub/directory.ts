import type { Member } from './member.js';
import type { PushTarget } from './push-target.js';

/** Who is in the hub: by id, by connection, by group. */
export class Directory<M> {
  private readonly byId = new Map<string, readonly Member<M>[]>();
  private readonly byConn = new Map<PushTarget, Member<M>>();
  private readonly byGroup = new Map<string, Set<Member<M>>>();

  get ids(): number {
    return this.byId.size;
  }

  get connections(): number {
    return this.byConn.size;
  }

  get groups(): number {
    return this.byGroup.size;
  }

  /** In the order in which they came. The list is never changed: it may be gone through while they leave. */
  at(id: string): readonly Member<M>[] | undefined {
    return this.byId.get(id);
  }

  ofConn(conn: PushTarget): Member<M> | undefined {
    return this.byConn.get(conn);
  }

  everyId(): IterableIterator<string> {
    return this.byId.keys();
  }

  /** Those of one group, or all; may be gone through while they leave. */
  members(group?: string): Member<M>[] {
    return group === undefined ? [...this.byConn.values()] : [...(this.byGroup.get(group) ?? [])];
  }

  /** @returns how many the id has now */
  add(member: Member<M>): number {
    const members = [...(this.byId.get(member.id) ?? []), member];
    this.byId.set(member.id, members);
    this.byConn.set(member.conn, member);
    return members.length;
  }

  /** @returns how many the id has left */
  remove(member: Member<M>): number {
    for (const group of member.groups) this.leave(member, group);
    this.byConn.delete(member.conn);
    const members = (this.byId.get(member.id) ?? []).filter((each) => each !== member);
    if (members.length === 0) this.byId.delete(member.id);
    else this.byId.set(member.id, members);
    return members.length;
  }

  join(member: Member<M>, group: string): void {
    if (!member.addGroup(group)) return;
    const members = this.byGroup.get(group);
    if (members === undefined) this.byGroup.set(group, new Set([member]));
    else members.add(member);
  }

  leave(member: Member<M>, group: string): void {
    if (!member.removeGroup(group)) return;
    const members = this.byGroup.get(group);
    members?.delete(member);
    if (members?.size === 0) this.byGroup.delete(group);
  }
}
