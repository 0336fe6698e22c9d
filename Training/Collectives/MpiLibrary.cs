using System.Runtime.InteropServices;
using System.Text;
using GumbelGan.Storage;

namespace GumbelGan.Training.Collectives;

/// <summary>
/// The functions and constants of an MPI library that is found at run time. There are two families, alike in their functions and different in what a
/// handle is: in Open MPI the address of an object that the library exports, in MPICH and all that share its ABI a number that mpi.h states.
/// </summary>
/// <remarks>A handle travels as a machine word; where it is a 32-bit number, C reads the lower half of it.</remarks>
internal sealed unsafe partial class MpiLibrary
{
    private const int Success = 0, Now = 2, GlobalOnLinux = 0x100, GlobalOnMacOs = 8, LongestText = 8192;

    private readonly nint _library;
    private readonly delegate* unmanaged<int*, nint, int, int*, int> _initThread;
    private readonly delegate* unmanaged<nint, int*, int> _rank, _size;
    private readonly delegate* unmanaged<nint, nint*, int> _duplicate, _arriving;
    private readonly delegate* unmanaged<nint, int, int, nint, nint*, int> _splitType;
    private readonly delegate* unmanaged<nint, void*, int, nint, nint, nint, int> _reduce;
    private readonly delegate* unmanaged<nint, void*, int, nint, nint, nint, nint*, int> _beginReduce;
    private readonly delegate* unmanaged<void*, int, nint, int, nint, int> _broadcast;
    private readonly delegate* unmanaged<void*, int, nint, int, nint, nint*, int> _beginBroadcast;
    private readonly delegate* unmanaged<nint*, int*, nint, int> _test;
    private readonly delegate* unmanaged<nint, int, int> _abort;
    private readonly delegate* unmanaged<nint, nint, int> _handleErrors;
    private readonly delegate* unmanaged<int> _finalise;
    private readonly delegate* unmanaged<int, byte*, int*, int> _errorText;
    private readonly nint _inPlace, _ignoredStatus, _noInfo, _returnErrors;
    private readonly int _shared;

    private MpiLibrary(nint library, string name)
    {
        (_library, Name) = (library, name);
        bool isOpenMpi = NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _);
        World = Handle("ompi_mpi_comm_world", 0x44000000);
        Float = Handle("ompi_mpi_float", 0x4c00040a);
        Double = Handle("ompi_mpi_double", 0x4c00080b);
        Byte = Handle("ompi_mpi_byte", 0x4c00010d);
        Plus = Handle("ompi_mpi_op_sum", 0x58000003);
        _noInfo = Handle("ompi_mpi_info_null", 0x1c000000);
        _returnErrors = Handle("ompi_mpi_errors_return", 0x54000001);
        (_inPlace, _ignoredStatus, _shared) = isOpenMpi ? (1, 0, 0) : (-1, 1, 1);
        _initThread = (delegate* unmanaged<int*, nint, int, int*, int>)Function("MPI_Init_thread");
        _rank = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_rank");
        _size = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_size");
        _duplicate = (delegate* unmanaged<nint, nint*, int>)Function("MPI_Comm_dup");
        _arriving = (delegate* unmanaged<nint, nint*, int>)Function("MPI_Ibarrier");
        _splitType = (delegate* unmanaged<nint, int, int, nint, nint*, int>)Function("MPI_Comm_split_type");
        _reduce = (delegate* unmanaged<nint, void*, int, nint, nint, nint, int>)Function("MPI_Allreduce");
        _beginReduce = (delegate* unmanaged<nint, void*, int, nint, nint, nint, nint*, int>)Function("MPI_Iallreduce");
        _broadcast = (delegate* unmanaged<void*, int, nint, int, nint, int>)Function("MPI_Bcast");
        _beginBroadcast = (delegate* unmanaged<void*, int, nint, int, nint, nint*, int>)Function("MPI_Ibcast");
        _test = (delegate* unmanaged<nint*, int*, nint, int>)Function("MPI_Test");
        _abort = (delegate* unmanaged<nint, int, int>)Function("MPI_Abort");
        _handleErrors = (delegate* unmanaged<nint, nint, int>)Function("MPI_Comm_set_errhandler");
        _finalise = (delegate* unmanaged<int>)Function("MPI_Finalize");
        _errorText = (delegate* unmanaged<int, byte*, int*, int>)Function("MPI_Error_string");

        nint Handle(string symbol, nint number) => isOpenMpi ? Function(symbol) : number;

        nint Function(string symbol) => NativeLibrary.TryGetExport(_library, symbol, out nint address)
            ? address : throw new UserMistakeException($"{name} is no MPI library that is known here: it lacks {symbol}; see docs/scaling.md.");
    }

    /// <summary>The name under which it was found.</summary>
    public string Name { get; }

    /// <summary>All ranks.</summary>
    public nint World { get; }

    /// <summary>A 32-bit floating-point number.</summary>
    public nint Float { get; }

    /// <summary>A 64-bit floating-point number.</summary>
    public nint Double { get; }

    /// <summary>A byte.</summary>
    public nint Byte { get; }

    private nint Plus { get; }

    /// <summary>The first of the launcher's libraries that can be loaded.</summary>
    /// <exception cref="UserMistakeException">None can.</exception>
    public static MpiLibrary Load(Launcher launcher)
    {
        SilenceSignalHandlers();
        foreach (string name in launcher.Libraries)
        {
            if (Open(name) is not 0 and nint library)
            {
                return new MpiLibrary(library, name);
            }
        }

        throw new UserMistakeException($"{launcher.Name} has started {launcher.Size} processes to train together, but no MPI library can be loaded; "
            + $"install Open MPI or MPICH, or name the library with {Launcher.Variable}.");
    }

    /// <summary>Joins the other ranks. Errors are from now on returned, and thrown here, instead of ending the process.</summary>
    public void Initialise()
    {
        // Which thread calls may change, but never two at a time.
        const int Serialised = 2;
        int granted;
        Check(_initThread(null, 0, Serialised, &granted));
        Check(_handleErrors(World, _returnErrors));
    }

    /// <summary>This process among those of <paramref name="communicator"/>, and how many they are.</summary>
    public (int Rank, int Size) Place(nint communicator)
    {
        int rank, size;
        Check(_rank(communicator, &rank));
        Check(_size(communicator, &size));
        return (rank, size);
    }

    /// <summary>The same ranks, whose calls do not mix with those of the others.</summary>
    public nint Duplicate(nint communicator)
    {
        nint copy = 0;
        Check(_duplicate(communicator, &copy));
        return copy;
    }

    /// <summary>Those of all ranks that run on this machine.</summary>
    public nint Neighbours()
    {
        nint neighbours = 0;
        Check(_splitType(World, _shared, 0, _noInfo, &neighbours));
        return neighbours;
    }

    /// <summary>Adds up over the ranks, in place.</summary>
    public void Sum(void* numbers, int count, nint type, nint communicator) =>
        Check(_reduce(_inPlace, numbers, count, type, Plus, communicator));

    /// <summary>Begins to add up; <see cref="IsDone"/> tells when it is done.</summary>
    /// <returns>The request to ask with.</returns>
    public nint BeginSum(void* numbers, int count, nint type, nint communicator)
    {
        nint request = 0;
        Check(_beginReduce(_inPlace, numbers, count, type, Plus, communicator, &request));
        return request;
    }

    /// <summary>Gives everybody what rank 0 has.</summary>
    public void Broadcast(void* bytes, int count, nint communicator) => Check(_broadcast(bytes, count, Byte, 0, communicator));

    /// <summary>Begins to give everybody what rank 0 has; <see cref="IsDone"/> tells when it is done.</summary>
    /// <returns>The request to ask with.</returns>
    public nint BeginBroadcast(void* bytes, int count, nint communicator)
    {
        nint request = 0;
        Check(_beginBroadcast(bytes, count, Byte, 0, communicator, &request));
        return request;
    }

    /// <summary>Announces this rank; <see cref="IsDone"/> tells when all have announced themselves.</summary>
    /// <returns>The request to ask with.</returns>
    public nint Arrive(nint communicator)
    {
        nint request = 0;
        Check(_arriving(communicator, &request));
        return request;
    }

    /// <summary>Whether what was begun is done; true at most once a request.</summary>
    public bool IsDone(ref nint request)
    {
        int done = 0;
        fixed (nint* asked = &request)
        {
            Check(_test(asked, &done, _ignoredStatus));
        }

        return done != 0;
    }

    /// <summary>Ends all ranks.</summary>
    public void Abort(int exitCode) => _ = _abort(World, exitCode);

    /// <summary>Takes leave of the other ranks.</summary>
    public void Finalise() => Check(_finalise());

    private void Check(int code)
    {
        if (code == Success)
        {
            return;
        }

        byte* text = stackalloc byte[LongestText];
        int length = 0;
        _ = _errorText(code, text, &length);
        throw new InvalidOperationException($"MPI failed: {Encoding.UTF8.GetString(text, length).Split('\n', 2)[0].TrimEnd()}.");
    }

    // Open MPI's plug-ins look for the library's symbols among those that are visible to all, which .NET's own loader would not make them.
    private static nint Open(string name)
    {
        if (!NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "dlopen", out nint open))
        {
            return NativeLibrary.TryLoad(name, out nint loaded) ? loaded : 0;
        }

        byte[] path = Encoding.UTF8.GetBytes(name + '\0');
        fixed (byte* text = path)
        {
            return ((delegate* unmanaged<byte*, int, nint>)open)(text, Now | (OperatingSystem.IsMacOS() ? GlobalOnMacOs : GlobalOnLinux));
        }
    }

    // UCX, below both families, would otherwise take SIGSEGV from the .NET runtime, which lives on it.
    private static void SilenceSignalHandlers()
    {
        const string Variable = "UCX_ERROR_SIGNALS";
        if (!OperatingSystem.IsWindows() && Environment.GetEnvironmentVariable(Variable) is null)
        {
            _ = SetInC(Variable, "", 1);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetInC(string name, string value, int overwrite);
}
