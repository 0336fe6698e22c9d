using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace GumbelGan.Training;

/// <summary>What the native libraries below libtorch read from the environment as they are loaded: which matrix kernels, and how idle threads wait.</summary>
/// <remarks>
/// OpenBLAS takes its kernels from the processor or from OPENBLAS_CORETYPE, and releases up to 0.3.21 fall back to AVX2 on AMD processors newer
/// than themselves: half the speed that AVX-512 gives in large products. OpenMP's threads spin for a while after each piece of work, which takes
/// the cores from our own threads and, on a busy machine, from the very thread that they wait for; there it made small steps fifty times slower.
/// </remarks>
public static partial class EngineEnvironment
{
    /// <summary>The user's own choice, an OpenBLAS core name such as SkylakeX or Haswell, or "default" to leave OpenBLAS alone.</summary>
    public const string UserVariable = "GUMBELGAN_OPENBLAS_CORETYPE";

    private const string OpenBlasVariable = "OPENBLAS_CORETYPE";
    private const string Avx512Core = "SkylakeX";
    private const string LeaveAlone = "default";
    private const string SleepWhileWaiting = "PASSIVE";

    // Any of them says how OpenMP's threads wait; the first is the standard's own.
    private static readonly string[] _waitVariables = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"];

    // Cores whose kernels use AVX2 at most; any other name in the environment is taken for a choice.
    private static readonly string[] _narrowCores = ["Haswell", "Zen"];

    /// <summary>Sets both. Without effect after the first use of libtorch, so it is the first thing a program calls; elsewhere than on Linux it does nothing.</summary>
    public static void Apply()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        if (Decide(Environment.GetEnvironmentVariable(UserVariable), Environment.GetEnvironmentVariable(OpenBlasVariable), HasAvx512) is { } core)
        {
            Set(OpenBlasVariable, core);
        }

        if (Array.TrueForAll(_waitVariables, variable => Environment.GetEnvironmentVariable(variable) is null))
        {
            Set(_waitVariables[0], SleepWhileWaiting);
        }
    }

    /// <summary>The core name to give to OpenBLAS, or null to leave it alone.</summary>
    /// <param name="wanted">The value of <see cref="UserVariable"/>, or null.</param>
    /// <param name="present">The value of OPENBLAS_CORETYPE, or null.</param>
    /// <param name="hasAvx512">Whether the processor has what the AVX-512 kernels need.</param>
    public static string? Decide(string? wanted, string? present, bool hasAvx512)
    {
        if (!string.IsNullOrEmpty(wanted))
        {
            return wanted.Equals(LeaveAlone, StringComparison.OrdinalIgnoreCase) ? null : wanted;
        }

        bool isOpen = string.IsNullOrEmpty(present) || _narrowCores.Contains(present, StringComparer.OrdinalIgnoreCase);
        return hasAvx512 && isOpen ? Avx512Core : null;
    }

    /// <summary>The kernels that the loaded OpenBLAS really uses, by its own account; null where no OpenBLAS is loaded.</summary>
    /// <param name="libraries">Paths of loaded libraries.</param>
    internal static unsafe string? KernelsInUse(IEnumerable<string> libraries)
    {
        foreach (string path in libraries.Where(path => Path.GetFileName(path).Contains("openblas", StringComparison.Ordinal)))
        {
            if (NativeLibrary.TryLoad(path, out nint library) && NativeLibrary.TryGetExport(library, "openblas_get_corename", out nint name))
            {
                return Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)name)());
            }
        }

        return null;
    }

    private static bool HasAvx512 => Avx512F.IsSupported && Avx512BW.VL.IsSupported && Avx512DQ.IsSupported && Avx512CD.IsSupported;

    // .NET keeps its own copy of the environment, which C libraries do not see.
    private static void Set(string name, string value)
    {
        _ = SetInC(name, value, 1);
        Environment.SetEnvironmentVariable(name, value);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetInC(string name, string value, int overwrite);
}
