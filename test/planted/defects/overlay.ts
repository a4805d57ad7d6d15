/** The rules of overlays in memory: whiteouts, opaque directories, copy-up. */
import type { Defect } from "../defect.ts"
import { conformance, suiteOf } from "../tests.ts"

export const ofOverlays: ReadonlyArray<Defect> = [
  {
    name: "a name that goes leaves no whiteout, and comes back",
    edits: [{
      package: "memory-fs",
      file: "internal/overlay.ts",
      find: "if (link !== undefined) return !isWhiteout(link.getNode())",
      put: "if (link !== undefined) return false"
    }],
    tests: conformance("what is removed in an overlay")
  },
  {
    name: "a whiteout hides nothing",
    edits: [{
      package: "memory-fs",
      file: "internal/overlay.ts",
      find: "if (isWhiteout(inode) || (found.length > 0 && !inode.isDirectory())) break",
      put: "if (found.length > 0 && !inode.isDirectory()) break"
    }],
    tests: suiteOf("a directory that was removed and made again")
  },
  {
    name: "whiteouts are listed",
    edits: [{
      package: "memory-fs",
      file: "internal/overlay.ts",
      find: "return [...shown].flatMap(([name, isShown]) => isShown ? [name] : [])",
      put: "return [...shown.keys()]"
    }],
    tests: conformance("what is removed in an overlay")
  },
  {
    name: "an opaque directory hides nothing",
    edits: [{
      package: "memory-fs",
      file: "internal/overlay.ts",
      find: "if (!inode.isDirectory() || isOpaque(inode, namespace)) break",
      put: "if (!inode.isDirectory()) break"
    }],
    tests: suiteOf("a name that is made again as something else")
  },
  {
    name: "a directory that is made where one was removed is not opaque",
    edits: [{
      package: "memory-fs",
      file: "internal/overlay.ts",
      find: "overWhiteout || (xino && directory.lowers.length > 0)",
      put: "xino && directory.lowers.length > 0"
    }],
    tests: suiteOf("a name that is made again as something else")
  },
  {
    name: "a directory that is moved to where another was shows what that had",
    edits: [{
      package: "memory-fs",
      file: "internal/overlay.ts",
      find: "source.isDirectory() && directory.lowers.length > 0 && !isOpaque(source, namespace)",
      put: "false && isOpaque(source, namespace)"
    }],
    tests: suiteOf("moved to where one was removed")
  },
  {
    name: "a directory is moved though lower layers show in it",
    edits: [{
      package: "memory-fs",
      file: "internal/overlay.ts",
      find: "if (source.lowers.length > 0 && isDirectory(topOf(source))) throw new Errno(\"EXDEV\")",
      put: ""
    }],
    tests: suiteOf("renaming a directory of a lower layer")
  },
  {
    name: "a file that is copied up has lost its attributes",
    edits: [{
      package: "memory-fs",
      file: "internal/copyUp.ts",
      find:
        "for (const [name, value] of xattrsOf(lower)) if (!isOwnXattr(name, namespace)) xattrsOf(copy).set(name, value)",
      put: ""
    }],
    tests: suiteOf("what a fork does not change of a file stays")
  },
  {
    name: "a file is copied up without its contents",
    edits: [{
      package: "memory-fs",
      file: "internal/copyUp.ts",
      find: "else if (lower.isFile() && contents) copy.setBuffer(lower.buf.subarray(0, lower.getSize()))",
      put: ""
    }],
    tests: suiteOf("a file of a lower layer can be renamed")
  },
  {
    name: "what is written to a fork lands in its parent",
    edits: [{
      package: "memory-fs",
      file: "internal/copyUp.ts",
      find: "const copy = copyOf(volume, lower, overlay.settings.namespace, contents)",
      put: "const copy = lower.isFile() ? lower : copyOf(volume, lower, overlay.settings.namespace, contents)"
    }],
    tests: conformance("what is written to an overlay lands")
  },
  {
    name: "a rename leaves the old name to what lies below",
    edits: [{
      package: "memory-fs",
      file: "internal/overlayChange.ts",
      find: "if (remains && from !== undefined) leaveWhiteout(volume, from, oldName)",
      put: ""
    }],
    tests: suiteOf("a file of a lower layer can be renamed")
  }
]
