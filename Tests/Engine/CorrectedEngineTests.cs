using System.Buffers.Binary;
using System.Diagnostics;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Engine;

/// <summary>The two files that the build corrects: see <c>Engine/Build/CorrectEngine.cs</c>.</summary>
public sealed class CorrectedEngineTests
{
    private static readonly string _assembly = typeof(torch).Assembly.Location;

    private static readonly Dictionary<short, OpCode> _instructions = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>
    /// Those methods of TorchSharp that read a scalar's handle from the stack alone, where nothing keeps it alive; none of them is called here.
    /// </summary>
    private static readonly string[] _unsafe = ["matrix_norm", "vector_norm", "DetermineArgumentTypeRefs"];

    [Fact]
    public void TorchSharp_is_compiled_so_that_arguments_live_until_their_method_returns() =>
        Assert.True(typeof(torch).Assembly.GetCustomAttribute<DebuggableAttribute>()!.IsJITOptimizerDisabled);

    [Fact]
    public void Every_method_of_TorchSharp_that_reads_a_scalars_handle_has_the_scalar_in_an_argument_or_a_local()
    {
        using var file = new PEReader(File.OpenRead(_assembly));
        MetadataReader metadata = file.GetMetadataReader();
        int getter = metadata.MethodDefinitions.Select(handle => (Handle: handle, Method: metadata.GetMethodDefinition(handle)))
            .Where(one => metadata.GetString(one.Method.Name) == "get_Handle"
                && metadata.GetString(metadata.GetTypeDefinition(one.Method.GetDeclaringType()).Name) == nameof(Scalar))
            .Select(one => MetadataTokens.GetToken(one.Handle)).Single();
        int reads = 0;
        var careless = new HashSet<string>();
        foreach (MethodDefinition method in metadata.MethodDefinitions.Select(metadata.GetMethodDefinition)
            .Where(method => method.RelativeVirtualAddress != 0))
        {
            OpCode before = OpCodes.Nop;
            foreach ((OpCode code, int operand) in Instructions(file.GetMethodBody(method.RelativeVirtualAddress).GetILReader()))
            {
                if ((code == OpCodes.Call || code == OpCodes.Callvirt) && operand == getter)
                {
                    reads++;
                    if (!before.Name!.StartsWith("ldarg", StringComparison.Ordinal)
                        && !before.Name.StartsWith("ldloc", StringComparison.Ordinal) && !before.Name.StartsWith("ldfld", StringComparison.Ordinal))
                    {
                        careless.Add(metadata.GetString(method.Name));
                    }
                }

                before = code;
            }
        }

        Assert.True(reads > 100, $"{reads} places that read a scalar's handle");
        Assert.Empty(careless.Except(_unsafe));
    }

    [Fact]
    public void A_collection_on_another_thread_frees_no_scalar_that_native_code_is_reading()
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                Thread.SpinWait(3000);
            }
        });
        int threads = get_num_threads();
        set_num_threads(1);
        collector.Start();
        try
        {
            using Tensor g = ones(100), w = ones(100);
            // With the package's own file, this fails after some 10,000 rounds.
            for (int round = 0; round < 100_000; round++)
            {
                using DisposeScope scope = NewDisposeScope();
                Assert.Equal(200f, (g * w + g).sum().item<float>());
                Assert.Equal(300f, (g * 2 + 1).sum().item<float>());
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
            set_num_threads(threads);
        }
    }

    [Fact]
    public void The_version_that_Debian_12_lacks_is_weak_and_nothing_else_is()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        (string Name, bool IsWeak)[] versions =
            [.. NeededVersions(File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(_assembly)!, "libLibTorchSharp.so")))];
        Assert.Contains(("GLIBCXX_3.4.32", true), versions);
        Assert.Contains(("GLIBC_2.2.5", false), versions);
        Assert.Single(versions, version => version.IsWeak);
    }

    private static IEnumerable<(OpCode Code, int Operand)> Instructions(BlobReader body)
    {
        var instructions = new List<(OpCode, int)>();
        while (body.RemainingBytes > 0)
        {
            int first = body.ReadByte();
            OpCode code = _instructions[first == 0xfe ? unchecked((short)(0xfe00 | body.ReadByte())) : (short)first];
            int operand = 0;
            switch (code.OperandType)
            {
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    body.Offset++;
                    break;
                case OperandType.InlineVar:
                    body.Offset += 2;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    body.Offset += 8;
                    break;
                case OperandType.InlineSwitch:
                    int targets = body.ReadInt32();
                    body.Offset += 4 * targets;
                    break;
                default:
                    operand = body.ReadInt32();
                    break;
            }

            instructions.Add((code, operand));
        }

        return instructions;
    }

    /// <summary>The symbol versions that an ELF file needs (System V ABI, section type SHT_GNU_verneed), and whether each is weak.</summary>
    private static IEnumerable<(string Name, bool IsWeak)> NeededVersions(byte[] elf)
    {
        int Word(int at) => BinaryPrimitives.ReadInt32LittleEndian(elf.AsSpan(at));
        int Half(int at) => BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(at));
        int Long(int at) => checked((int)BinaryPrimitives.ReadInt64LittleEndian(elf.AsSpan(at)));
        int[] headers = [.. Enumerable.Range(0, Half(0x3c)).Select(section => Long(0x28) + section * Half(0x3a))];
        int needs = headers.Single(header => Word(header + 4) == 0x6ffffffe), strings = Long(headers[Word(needs + 0x28)] + 0x18);
        for (int file = Long(needs + 0x18), count = Word(needs + 0x2c); count > 0; count--, file += Word(file + 12))
        {
            for (int version = file + Word(file + 8), left = Half(file + 2); left > 0; left--, version += Word(version + 12))
            {
                int name = strings + Word(version + 8);
                yield return (Encoding.ASCII.GetString(elf, name, Array.IndexOf<byte>(elf, 0, name) - name), (Half(version + 4) & 2) != 0);
            }
        }
    }
}
