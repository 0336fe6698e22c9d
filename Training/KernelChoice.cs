using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace GumbelGan.Training;

/// <summary>
/// Which matrix kernels OpenBLAS takes. It decides as it is loaded, from the processor or from OPENBLAS_CORETYPE, and releases up to 0.3.21 fall
/// back to AVX2 on AMD processors newer than themselves: half the speed that AVX-512 gives in large products.
/// </summary>
public static partial class KernelChoice
{
    /// <summary>The user's own choice, an OpenBLAS core name such as SkylakeX or Haswell, or "default" to leave OpenBLAS alone.</summary>
    public const string UserVariable = "GUMBELGAN_OPENBLAS_CORETYPE";

    private const string OpenBlasVariable = "OPENBLAS_CORETYPE";
    private const string Avx512Core = "SkylakeX";
    private const string LeaveAlone = "default";

    // Cores whose kernels use AVX2 at most; any other name in the environment is taken for a choice.
    private static readonly string[] _narrowCores = ["Haswell", "Zen"];

    /// <summary>Tells OpenBLAS. Without effect after the first use of libtorch, so it is the first thing a program calls; elsewhere than on x86-64 Linux it does nothing.</summary>
    public static void Apply()
    {
        if (OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64
            && Decide(Environment.GetEnvironmentVariable(UserVariable), Environment.GetEnvironmentVariable(OpenBlasVariable), HasAvx512) is { } core)
        {
            // .NET keeps its own copy of the environment, which C libraries do not see.
            _ = SetInC(OpenBlasVariable, core, 1);
            Environment.SetEnvironmentVariable(OpenBlasVariable, core);
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
    internal static unsafe string? InUse(IEnumerable<string> libraries)
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

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetInC(string name, string value, int overwrite);
}
