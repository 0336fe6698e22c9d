using System;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Writes corrected copies of two files of the engine. The packages' own files stay as they are; a copy that is there already is left alone.
/// </summary>
/// <remarks>
/// <para>libLibTorchSharp.so names the symbol version GLIBCXX_3.4.32, which the C++ library of Debian 12 (3.4.30) lacks, and so would not load there.
/// Nothing in it is bound to that version: the one symbol behind it is never called. Marking the entry as weak (System V ABI, Linux extension
/// VER_FLG_WEAK) tells the loader that the version may be missing; where it is there, nothing changes.</para>
/// <para>TorchSharp.dll hands native code the handles of temporary objects (even <c>a + b</c> makes one, the alpha of the addition) and does not keep
/// these alive until the native code has read them; in optimised code a garbage collection on any thread can free them under its hands. Code that is
/// compiled without optimisation keeps arguments and locals alive until their method returns. So the copy asks for that: four bytes, the value of
/// its DebuggableAttribute. The methods are thin wrappers of native calls, so this costs nothing that can be measured.</para>
/// </remarks>
public sealed class CorrectEngine : Task
{
    private const int VersionNeeds = 0x6ffffffe;
    private const ushort Weak = 2;

    /// <summary>
    /// DebuggableAttribute's prolog, a 4-byte value, no named arguments: Default, DisableOptimizations, EnableEditAndContinue, IgnoreSymbolStore.
    /// </summary>
    private static readonly byte[] _optimised = { 8, 1, 0, 2, 0, 0, 0, 0, 0 }, _unoptimised = { 8, 1, 0, 7, 1, 0, 0, 0, 0 };

    [Required]
    public ITaskItem[] Sources { get; set; }

    [Required]
    public ITaskItem[] Destinations { get; set; }

    public override bool Execute()
    {
        for (int i = 0; i < Sources.Length; i++)
        {
            string source = Sources[i].GetMetadata("FullPath"), destination = Destinations[i].GetMetadata("FullPath");
            byte[] content = File.ReadAllBytes(source);
            string problem = source.EndsWith(".so", StringComparison.Ordinal)
                ? WeakenVersion(content, "GLIBCXX_3.4.32") : KeepArgumentsAlive(content);
            if (problem != null)
            {
                Log.LogError("{0} is not the file that this build knows how to correct: {1}. See docs/architecture.md, \"The engine\".",
                    source, problem);
                return false;
            }

            if (!File.Exists(destination) || !content.SequenceEqual(File.ReadAllBytes(destination)))
            {
                Write(destination, content);
            }
        }

        return true;
    }

    // Projects are built side by side, so the last step is a rename.
    private static void Write(string destination, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(destination));
        string temporary = destination + "." + Guid.NewGuid().ToString("N");
        File.WriteAllBytes(temporary, content);
        try
        {
            File.Delete(destination);
            File.Move(temporary, destination);
        }
        catch (IOException) when (File.Exists(destination))
        {
            File.Delete(temporary);
        }
    }

    private static string KeepArgumentsAlive(byte[] content)
    {
        int at = Find(content, _optimised, 0);
        if (at < 0 || Find(content, _optimised, at + 1) >= 0)
        {
            return "its DebuggableAttribute is not found";
        }

        _unoptimised.CopyTo(content, at);
        return null;
    }

    /// <summary>Marks version <paramref name="name"/> as weak wherever the ELF file needs it; null, or what is wrong.</summary>
    private static string WeakenVersion(byte[] elf, string name)
    {
        if (elf.Length < 64 || BitConverter.ToUInt32(elf, 0) != 0x464c457f || elf[4] != 2 || elf[5] != 1)
        {
            return "it is no 64-bit little-endian ELF file";
        }

        long sections = BitConverter.ToInt64(elf, 0x28);
        int size = BitConverter.ToUInt16(elf, 0x3a), count = BitConverter.ToUInt16(elf, 0x3c);
        bool found = false;
        for (int section = 0; section < count; section++)
        {
            int header = (int)sections + section * size;
            if (BitConverter.ToInt32(elf, header + 4) != VersionNeeds)
            {
                continue;
            }

            int strings = (int)BitConverter.ToInt64(elf, (int)sections + BitConverter.ToInt32(elf, header + 0x28) * size + 0x18);
            for (int file = (int)BitConverter.ToInt64(elf, header + 0x18), next = 1; next != 0; file += next)
            {
                next = BitConverter.ToInt32(elf, file + 12);
                int version = file + BitConverter.ToInt32(elf, file + 8);
                for (int left = BitConverter.ToUInt16(elf, file + 2); left > 0; left--, version += BitConverter.ToInt32(elf, version + 12))
                {
                    if (TextAt(elf, strings + BitConverter.ToInt32(elf, version + 8)) == name)
                    {
                        elf[version + 4] |= (byte)Weak;
                        found = true;
                    }
                }
            }
        }

        return found ? null : "it does not need " + name;
    }

    private static string TextAt(byte[] content, int start) =>
        Encoding.ASCII.GetString(content, start, Array.IndexOf<byte>(content, 0, start) - start);

    private static int Find(byte[] content, byte[] pattern, int from)
    {
        for (int at = from; at <= content.Length - pattern.Length; at++)
        {
            int same = 0;
            while (same < pattern.Length && content[at + same] == pattern[same])
            {
                same++;
            }

            if (same == pattern.Length)
            {
                return at;
            }
        }

        return -1;
    }
}
