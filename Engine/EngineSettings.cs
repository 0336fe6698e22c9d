using System.Runtime.InteropServices;
using TorchSharp;

namespace GumbelGan.Engine;

/// <summary>The libtorch underneath: its versions, and the settings that it takes as it starts.</summary>
public static partial class EngineSettings
{
    private const int MallocTrimThreshold = -1, MallocMapThreshold = -3;
    private const int LargestKeptBlock = 1 << 30;

    // Any of them says how OpenMP's threads wait; the first is the standard's own.
    private static readonly string[] _waitVariables = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"];

    // The most of the processor that oneDNN uses, and what every processor and hypervisor computes rightly.
    private const string VectorVariable = "ONEDNN_MAX_CPU_ISA", TrustedVectors = "AVX";

    /// <summary>The version of the TorchSharp package.</summary>
    public static string TorchSharpVersion => typeof(torch).Assembly.GetName().Version!.ToString(3);

    /// <summary>The version of libtorch, which TorchSharp calls its own.</summary>
    public static string LibtorchVersion => Version.Parse(torch.__version__).ToString(3);

    /// <summary>
    /// Has OpenMP's idle threads sleep instead of spin: they would take the cores from our own threads and, on a busy machine, from the very thread
    /// that they wait for. Without effect after the first use of libtorch (even asking its version loads it), so it is the first thing a program
    /// calls; elsewhere than on Linux it does nothing. And has oneDNN use no more than AVX: on some virtual machines its AVX2 and AVX-512 code
    /// (v3.7.1) returns wrong gradients of a convolution's input. What the user has set in the environment stays.
    /// </summary>
    public static void ApplyEnvironment()
    {
        if (OperatingSystem.IsLinux() && Array.TrueForAll(_waitVariables, variable => Environment.GetEnvironmentVariable(variable) is null))
        {
            Set(_waitVariables[0], "PASSIVE");
        }

        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(VectorVariable) is null)
        {
            Set(VectorVariable, TrustedVectors);
        }

        // .NET keeps its own copy of the environment, which C libraries do not see.
        static void Set(string variable, string value)
        {
            _ = SetInC(variable, value, 1);
            Environment.SetEnvironmentVariable(variable, value);
        }
    }

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

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetInC(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetAllocator(int parameter, int value);
}
