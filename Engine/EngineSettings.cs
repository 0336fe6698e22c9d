using System.Runtime.InteropServices;
using TorchSharp;

namespace GumbelGan.Engine;

/// <summary>The libtorch underneath: its versions, and the settings that it takes as it starts.</summary>
public static partial class EngineSettings
{
    private const int MallocTrimThreshold = -1, MallocMapThreshold = -3;
    private const int LargestKeptBlock = 1 << 30;

    // The widest instructions that oneDNN may use, and the widest that have been right wherever they were tried.
    private const string VectorVariable = "ONEDNN_MAX_CPU_ISA", TrustedVectors = "AVX";

    // Any of them says how OpenMP's threads wait; the first is the standard's own.
    private static readonly string[] _waitVariables = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"];

    /// <summary>The version of the TorchSharp package.</summary>
    public static string TorchSharpVersion => typeof(torch).Assembly.GetName().Version!.ToString(3);

    /// <summary>The version of libtorch, which TorchSharp calls its own.</summary>
    public static string LibtorchVersion => Version.Parse(torch.__version__).ToString(3);

    /// <summary>
    /// Gives libtorch the environment that it works best and rightly in; what the user has set stays. Without effect after the first use of libtorch
    /// (even asking its version loads it), so it is the first thing a program calls; elsewhere than on Linux it does nothing.
    /// </summary>
    public static void ApplyEnvironment()
    {
        LetIdleThreadsSleep();
        KeepToTrustedVectors();
    }

    /// <summary>
    /// Has OpenMP's idle threads sleep instead of spin: they would take the cores from our own threads and, on a busy machine, from the very thread
    /// that they wait for. When and where: as <see cref="ApplyEnvironment"/>.
    /// </summary>
    public static void LetIdleThreadsSleep() => SetUnlessSet(_waitVariables[0], "PASSIVE", _waitVariables);

    /// <summary>
    /// Has oneDNN use no more than AVX: on some virtual machines the AVX2 and AVX-512 code of its version 3.7.1 returns wrong gradients of a
    /// convolution's input. When and where: as <see cref="ApplyEnvironment"/>.
    /// </summary>
    public static void KeepToTrustedVectors() => SetUnlessSet(VectorVariable, TrustedVectors, VectorVariable);

    /// <summary>Sets threads, and has the C library keep the memory of freed tensors for the next ones instead of giving it back each time.</summary>
    /// <param name="threads">For one operation; 0 takes one a core.</param>
    public static void Prepare(int threads)
    {
        torch.set_num_threads(threads == 0 ? Environment.ProcessorCount : threads);
        if (OperatingSystem.IsLinux())
        {
            _ = SetAllocator(MallocMapThreshold, LargestKeptBlock);
            _ = SetAllocator(MallocTrimThreshold, LargestKeptBlock);
        }
    }

    // Unless any of the alternatives is set.
    private static void SetUnlessSet(string variable, string value, params string[] alternatives)
    {
        if (OperatingSystem.IsLinux() && Array.TrueForAll(alternatives, alternative => Environment.GetEnvironmentVariable(alternative) is null))
        {
            // .NET keeps its own copy of the environment, which C libraries do not see.
            _ = SetInC(variable, value, 1);
            Environment.SetEnvironmentVariable(variable, value);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetInC(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetAllocator(int parameter, int value);
}
